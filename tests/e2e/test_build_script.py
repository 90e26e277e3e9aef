"""tools/build.sh: it shows that it works, and what the compiler says."""

import os
import pty
import shutil
import subprocess

import pytest

from harness import PATIENCE, ROOT

NINJA = """#!/bin/sh
echo "[1/2] Compiling C object a.o"
[ -e broken ] || exit 0
echo "FAILED: a.o"
echo "a.c:1:1: error: unknown type name 'x'"
exit 1
"""


@pytest.fixture
def project(folder):
    """A project whose compiler is a stand-in."""
    for name in ("tools", "bin", "build"):
        (folder / name).mkdir()
    shutil.copy(ROOT / "tools" / "build.sh", folder / "tools")
    (folder / "build" / "build.ninja").touch()
    (folder / "bin" / "ninja").write_text(NINJA)
    (folder / "bin" / "ninja").chmod(0o755)
    return folder


def build(project, stderr=subprocess.PIPE):
    env = {**os.environ, "PATH": f"{project}/bin:{os.environ['PATH']}"}
    return subprocess.run(["tools/build.sh", "release"], cwd=project, env=env, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr,
                          timeout=PATIENCE, check=False)


def test_it_prints_the_folder_and_in_a_log_little_else(project):
    done = build(project)
    assert (done.returncode, done.stdout, done.stderr) == (0, "build\n", "")


def test_it_says_why_a_build_failed(project):
    (project / "broken").touch()
    done = build(project)
    assert done.returncode == 1 and not done.stdout
    assert "a.c:1:1: error: unknown type name 'x'" in done.stderr
    assert "the build in build failed" in done.stderr


def test_a_terminal_sees_it_work(project):
    (project / "broken").touch()
    master, slave = pty.openpty()
    done = build(project, stderr=slave)
    os.close(slave)
    shown = os.read(master, 4096).decode()
    os.close(master)
    assert done.returncode == 1
    assert "[1/2] Compiling" in shown and "error: unknown type name" in shown
