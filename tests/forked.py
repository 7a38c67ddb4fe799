"""A child for the tests of the fork server: it does what it is told, and says what was prepared."""

import os
import signal
import sys
import time

WORKED_SECONDS = 1.0
prepared: list[str] = []


def prepare(*arguments: str) -> None:
    """Note what was given, and where."""
    prepared[:] = [*arguments, str(os.getpid())]


def main() -> None:
    """Do what standard input says."""
    told = sys.stdin.read()
    if told == "die":
        os.kill(os.getpid(), signal.SIGALRM)
    while told == "work" and time.process_time() < WORKED_SECONDS:
        pass
    if told == "fail":
        raise ValueError("on purpose")
    sys.stdout.write(" ".join([str(os.getpid()), *prepared]) + "\n")
    sys.stdout.flush()
    if told == "wait":
        time.sleep(600)


if __name__ == "__main__":
    main()
