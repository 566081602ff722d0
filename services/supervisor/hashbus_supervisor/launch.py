"""Starts another program so that it ends with the supervisor, also when the supervisor is killed.

    python -I -S launch.py PARENT SIGNAL USER PROGRAM ARGUMENT...

Linux sends SIGNAL to the program as soon as the process PARENT is gone (prctl PR_SET_PDEATHSIG). The kernel forgets
that wish when a program changes its user, so a USER other than `-` is taken on here, before the wish is made. Where
there is no prctl the program starts without it. Nothing but the standard library is imported: this costs 20 ms.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> None:
    """Make the wish, become the program."""
    parent, number, user, *command = sys.argv[1:]
    if user != "-":
        owner = pwd.getpwnam(user)
        os.initgroups(user, owner.pw_gid)
        os.setgid(owner.pw_gid)
        os.setuid(owner.pw_uid)
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError, OSError):
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    if os.getppid() != int(parent):
        # The supervisor was gone before the wish was made.
        sys.exit(1)
    try:
        os.execvp(command[0], command)  # noqa: S606 (the command is the caller's)
    except OSError as error:
        sys.exit(f"{command[0]} cannot be started: {error.strerror}")


if __name__ == "__main__":
    main()
