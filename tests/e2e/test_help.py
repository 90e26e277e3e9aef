"""What is made from the command table beside docs/cli.md: the manual page and the completions."""

import re
import shutil
import subprocess

import pytest

from harness import BUILD, PATIENCE, ROOT, cli

COMMANDS = re.findall(r"^### (.+)$", (ROOT / "docs" / "cli.md").read_text("utf-8"), re.MULTILINE)


def run(*command, stdin=None, cwd=None):
    return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=PATIENCE,
                          check=False, cwd=cwd)


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_the_manual_page_is_clean_and_whole():
    page = cli("help", "--man", check=0).stdout
    done = run("groff", "-man", "-ww", "-Tutf8", "-P-cbou", "-rHY=0", "-rLL=200n", stdin=page)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    text = " ".join(done.stdout.split())
    for command in COMMANDS:
        assert f"scripta {command}" in text
    assert "turn recordings into durable text" in text
    assert "ffmpeg -i talk.mkv -f wav - | scripta transcribe -" in text
    assert len(COMMANDS) > 20


def test_installed_files_are_made_by_the_program():
    for name, args in (("scripta.1", ["--man"]), ("scripta", ["--completion", "bash"]),
                       ("_scripta", ["--completion", "zsh"]),
                       ("scripta.fish", ["--completion", "fish"])):
        assert (BUILD / "share" / name).read_text("utf-8") == cli("help", *args, check=0).stdout


def test_the_readme_names_every_command():
    table = (ROOT / "README.md").read_text("utf-8").split("## Commands")[1].split("\n## ")[0]
    named = set(re.findall(r"`(\w+)[^`]*`", "\n".join(
        row.split("|")[1] for row in table.splitlines() if row.startswith("| `"))))
    assert {command.split()[0] for command in COMMANDS} <= named


def complete_bash(*words, folder):
    """The words that bash would offer for the last one; FILES when it is to look for files."""
    script = cli("help", "--completion", "bash", check=0).stdout + """
        compopt() { echo FILES; }
        COMP_WORDS=("$@")
        COMP_CWORD=$(($# - 1))
        _scripta
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    done = run("bash", "-c", script, "bash", *words, cwd=folder)
    assert done.stderr == "", done.stderr
    return done.stdout.split()


# Each line of words, and what must be and what must not be among the offers.
LINES = [
    (["jo"], {"jobs"}, {"add"}),
    ([""], {"transcribe", "jobs", "config", "help"}, {"list", "--data"}),
    (["jobs", ""], {"list", "show", "cancel"}, {"jobs", "pause"}),
    (["--data", "/x", "jobs", "list", "--st"], {"--status"}, {"--data"}),
    (["jobs", "list", "-"], {"--status", "--json", "--data", "-q"}, {"--vad"}),
    (["add", "--priority", ""], {"high", "normal", "low"}, {"--force"}),
    (["queue", ""], {"pause", "resume"}, {"high"}),
    (["queue", "pause", "l"], {"low"}, {"high", "pause"}),
    (["help", "--completion", ""], {"bash", "zsh", "fish"}, set()),
]


@pytest.mark.parametrize("words, wanted, unwanted", LINES)
def test_bash_completes(folder, words, wanted, unwanted):
    offers = set(complete_bash("scripta", *words, folder=folder))
    assert wanted <= offers and not unwanted & offers, offers


def test_bash_completes_values_behind_an_equals_sign(folder):
    assert complete_bash("scripta", "add", "--priority", "=", "hi", folder=folder) == ["high"]
    assert "list" in complete_bash("scripta", "--data", "=", "/x", "files", "", folder=folder)


def test_bash_looks_for_files_where_files_are_meant(folder):
    for words in (["transcribe", "a"], ["add", ""], ["transcribe", "-o", ""], ["--data", ""]):
        assert complete_bash("scripta", *words, folder=folder) == ["FILES"]
    assert complete_bash("scripta", "jobs", "show", "", folder=folder) == []


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
@pytest.mark.parametrize("words, wanted, unwanted", LINES)
def test_fish_completes(folder, words, wanted, unwanted):
    path = folder / "scripta.fish"
    path.write_text(cli("help", "--completion", "fish", check=0).stdout)
    line = " ".join(["scripta", *words])
    done = run("fish", "--no-config", "-c",
               f"function scripta; end; source {path}; complete -C '{line}'", cwd=folder)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    offers = {x.split("\t")[0] for x in done.stdout.splitlines()}
    assert wanted <= offers and not unwanted & offers, offers


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_reads_its_completion():
    script = cli("help", "--completion", "zsh", check=0).stdout
    done = run("zsh", "-f", "-n", "-c", script)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    done = run("zsh", "-f", "-c",
               "autoload -U compinit; compinit -D -u; eval \"$(cat)\"; print $_comps[scripta]",
               stdin=script)
    assert done.stdout.split() == ["_scripta"], done


def test_another_shell_is_refused():
    done = cli("help", "--completion", "tcsh")
    assert done.returncode == 2 and "bash, zsh or fish" in done.stderr
