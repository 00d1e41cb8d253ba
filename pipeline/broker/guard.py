"""Runs one command and ends it when the process that asked for it is gone, however that ended.

    python guard.py PIPE_FD COMMAND...

PIPE_FD is the read end of a pipe whose other end only the asking process holds: end of file means that it is gone, by
SIGKILL too. (Should a forked child hold the other end open, the guard's new parent tells.) Then the command gets
SIGTERM, and SIGKILL if it is still there after GRACE_S. The guard prints the command's pid on a line and exits with the
command's status.

A guard that stays is used instead of PR_SET_PDEATHSIG on the command itself, because that signal is sent when the
*thread* that started the command ends, and because a broker wants SIGTERM first. Runs as a plain file with the
standard library alone: it starts in 20 ms and imports nothing of Wirefuse.
"""

import os
import select
import signal
import subprocess
import sys
import time

GRACE_S = 20.0
_LOOK_S = 2.0


def _end_with_guard() -> None:
    """Linux only: should the guard itself be killed, the command goes too. The guard has one thread."""
    import ctypes

    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def main(parent_pipe: int, command: list[str]) -> int:
    parent = os.getppid()
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    # The signals only have to end the wait below; a terminal's Ctrl-C is for the process that asked.
    for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    child = subprocess.Popen(
        command,
        stdout=sys.stderr,
        close_fds=False,  # the inherited lock is the broker's proof of life
        preexec_fn=_end_with_guard if sys.platform == "linux" else None,
    )
    print(child.pid, flush=True)
    kill_at: float | None = None
    while child.poll() is None:
        if kill_at is None:
            ready, _, _ = select.select([parent_pipe, woken], [], [], _LOOK_S)
            told = woken in ready and signal.SIGTERM in os.read(woken, 64)
            if parent_pipe in ready or told or os.getppid() != parent:
                child.terminate()
                kill_at = time.monotonic() + GRACE_S
        else:
            time.sleep(0.05)
            if time.monotonic() > kill_at:
                child.kill()
                child.wait()
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
