#!/usr/bin/env python3
"""Runs a command under the system call filter of a systemd unit, where no systemd runs.

unit_filter.py UNIT [--without CALL]... COMMAND...    the filter of UNIT, without the calls named
unit_filter.py --deny CALL,... COMMAND...             everything but these
"""

import ctypes
import errno
import os
import subprocess
import sys

ALLOW, EPERM = 0x7FFF0000, 0x00050000 | errno.EPERM
WRITE, EXEC = 2, 4
MASKED_EQ = 7


class Compare(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64),
                ("b", ctypes.c_uint64)]


def expand(name):
    """The calls of a group, by systemd's own list."""
    if not name.startswith("@"):
        return {name}
    text = subprocess.run(["systemd-analyze", "syscall-filter", name], check=True,
                          capture_output=True, text=True).stdout
    lines = [x.strip() for x in text.splitlines()[1:]]
    return set().union(*(expand(x) for x in lines if x and not x.startswith("#")))


def settings(unit):
    with open(unit, encoding="utf-8") as f:
        for line in f:
            name, equals, value = line.strip().partition("=")
            if equals and not name.startswith("#"):
                yield name, value


def allowed_calls(unit):
    calls = set()
    for name, value in settings(unit):
        if name == "SystemCallFilter":
            words = set().union(*(expand(w) for w in value.lstrip("~").split()))
            calls = calls - words if value.startswith("~") else calls | words
    # As systemd does: what the manager itself needs to start the process.
    return calls | {"execve", "exit", "exit_group", "getrlimit", "rt_sigreturn", "sigreturn"}


class Filter:
    def __init__(self, otherwise):
        self.lib = ctypes.CDLL("libseccomp.so.2")
        self.lib.seccomp_init.restype = ctypes.c_void_p
        self.ctx = ctypes.c_void_p(self.lib.seccomp_init(ctypes.c_uint32(otherwise)))

    def rule(self, action, call, *compares):
        number = self.lib.seccomp_syscall_resolve_name(call.encode())
        if number < 0:
            return  # of another architecture
        array = (Compare * len(compares))(*compares)
        rc = self.lib.seccomp_rule_add_array(self.ctx, ctypes.c_uint32(action), number,
                                             len(compares), array)
        assert rc == 0, (call, rc)

    def load(self):
        rc = self.lib.seccomp_load(self.ctx)
        assert rc == 0, rc


def load_unit(unit, without):
    calls = allowed_calls(unit) - set(without)
    assert "openat" in calls and "mount" not in calls, "the unit's filter was not understood"
    filter = Filter(EPERM)
    if ("MemoryDenyWriteExecute", "yes") in settings(unit):
        calls -= {"mmap", "mprotect", "pkey_mprotect"}
        for bit in (WRITE, EXEC):
            filter.rule(ALLOW, "mmap", Compare(2, MASKED_EQ, bit, 0))
        filter.rule(ALLOW, "mprotect", Compare(2, MASKED_EQ, EXEC, 0))
    for call in calls:
        filter.rule(ALLOW, call)
    filter.load()


def main():
    args = sys.argv[1:]
    first = args.pop(0)
    if first == "--deny":
        filter = Filter(ALLOW)
        for call in args.pop(0).split(","):
            filter.rule(EPERM, call)
        filter.load()
    else:
        without = []
        while args[0] == "--without":
            without += args[1].split(",")
            del args[:2]
        load_unit(first, without)
    os.execvp(args[0], args)


if __name__ == "__main__":
    main()
