"""Record of how the processes of a store ended: one file ``RUN/exits/PID`` for each.

It is written by the parent that reaped a process, and read by the client that was connected to it.
"""

import time
from contextlib import suppress
from pathlib import Path
from typing import Final

__all__ = ["ended_at", "exit_status", "forget_exit", "panic", "record_exit"]

_KEPT: Final = 256


def record_exit(run: Path, pid: int, status: int, panic: str = "") -> None:
    """Write down how the process with that number ended, as `subprocess` tells it.

    Args:
        run: the runtime directory.
        pid: its number.
        status: its exit status.
        panic: what the engine said when it broke down.
    """
    folder = _folder(run)
    unfinished = folder / f".{pid}"
    unfinished.write_text(f"{status}\n{panic}", encoding="utf-8")
    unfinished.rename(folder / str(pid))
    ages = []
    for record in folder.glob("[0-9]*"):
        with suppress(FileNotFoundError):  # another thread or process forgets it meanwhile
            ages.append((record.stat().st_mtime, record))
    for _, old in sorted(ages)[:-_KEPT]:
        old.unlink(missing_ok=True)


def forget_exit(run: Path, pid: int) -> None:
    """Forget the end of an earlier process that had the number which a new one was given."""
    (_folder(run) / str(pid)).unlink(missing_ok=True)


def ended_at(run: Path, pid: str) -> float | None:
    """When the process with that number ended, in seconds since 1970; None if it has not."""
    try:
        return (run / "exits" / pid).stat().st_mtime
    except FileNotFoundError:
        return None


def exit_status(run: Path, pid: int, seconds: float = 1.0) -> int | None:
    """The exit status of the process with that number, as `subprocess` gives it; None if unknown.

    Waits a moment: the end of a connection is seen before its process is reaped.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            return int(_read(run, pid).partition("\n")[0])
        except FileNotFoundError:
            if time.monotonic() > deadline:
                return None
            time.sleep(0.005)


def panic(run: Path, pid: int) -> str:
    """The engine's panic message in the process with that number; empty if it did not panic.

    `exit_status` has waited for the record.
    """
    try:
        return _read(run, pid).partition("\n")[2]
    except FileNotFoundError:
        return ""


def _read(run: Path, pid: int) -> str:
    return (run / "exits" / str(pid)).read_text(encoding="utf-8")


def _folder(run: Path) -> Path:
    folder = run / "exits"
    folder.mkdir(exist_ok=True)
    return folder
