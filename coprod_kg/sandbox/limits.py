"""Deadline and memory cap of a process, enforced by the kernel, and what its exit status means.

Standard library only: another Python runs it too, by its path (`coprod_kg.ingest.mapping_engine`).

No handler runs when one is passed: the interval timer's signal ends the process by its default
action, and memory beyond the cap is refused, on which Rust's allocator aborts. The parent learns
from the exit status which it was.
"""

import os
import re
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from functools import cache
from pathlib import Path

__all__ = [
    "Death",
    "cap_memory",
    "deadline",
    "death",
    "limited",
    "lower_priority",
    "machine_memory",
    "no_core_files",
    "panic_in",
    "peak_memory",
    "resident_memory",
]


class Death(StrEnum):
    """The way in which a child process that failed was ended."""

    DEADLINE = "deadline"
    MEMORY = "memory"
    DEPTH = "depth"
    """Its stack was exhausted by what it was given to parse."""
    OUTPUT = "output"
    """It wrote a larger file than it may."""
    PANIC = "panic"
    """The engine broke down."""
    OUTSIDE = "outside"
    """A signal that no limit sends ended it."""
    FAULT = "fault"
    """It failed by itself."""


_DEATHS: dict[int, Death] = {
    signal.SIGALRM: Death.DEADLINE,
    signal.SIGXCPU: Death.DEADLINE,
    signal.SIGABRT: Death.MEMORY,  # Rust's allocator aborts when it gets no memory
    signal.SIGKILL: Death.MEMORY,  # by the kernel, when the machine or the container has none left
    signal.SIGSEGV: Death.DEPTH,
    signal.SIGBUS: Death.DEPTH,
    signal.SIGXFSZ: Death.OUTPUT,
}


def death(status: int | None, panic: str = "") -> Death | None:
    """The meaning of an exit status; None where the process ended well.

    Args:
        status: as `subprocess` tells it; None where it is not known.
        panic: what `panic_in` found in its standard error.
    """
    # Rust aborts the process both when it gets no memory and when the engine meets a fault.
    if status == -signal.SIGABRT and panic and not _FOR_MEMORY.search(panic):
        return Death.PANIC
    if status == 0:
        return None
    if status is None or status > 0:
        return Death.FAULT
    return _DEATHS.get(-status, Death.OUTSIDE)


_PANIC = re.compile(rb"panicked at [^\n]*\n([^\n]*)")
_FOR_MEMORY = re.compile("memory|allocat|capacity", re.IGNORECASE)


def panic_in(stderr: bytes) -> str:
    """The message of the engine's panic in the standard error of a process, or an empty text."""
    panic = _PANIC.search(stderr)
    return panic[1].decode(errors="replace").strip()[:500] if panic else ""


_MIB = 1 << 20
_PRIORITY = 5
"""As ``nice`` counts: about a third of the processor time that a lookup is given beside it."""
_PAGE = resource.getpagesize()
_CONTROL_GROUPS = Path("/sys/fs/cgroup")


@contextmanager
def limited(seconds: float, memory_mb: int) -> Iterator[None]:
    """Work under a deadline and a memory cap.

    Args:
        seconds: after so many seconds of wall-clock time the kernel ends this process.
        memory_mb: how much more memory than now this process may map, in MiB. Only Linux
            enforces it; elsewhere the deadline has to do.
    """
    earlier_limits = resource.getrlimit(resource.RLIMIT_AS)
    cap_memory(memory_mb)
    try:
        with deadline(seconds):
            yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, earlier_limits)


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Work under a deadline, at which the kernel ends this process.

    Raises:
        ValueError: this is not the main thread, and the signal has a handler.
    """
    if signal.getsignal(signal.SIGALRM) != signal.SIG_DFL:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def cap_memory(memory_mb: int) -> None:
    """Cap the memory that this process may map beyond what it has, in MiB; on Linux only."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    memory = _memory()
    if memory is not None:
        cap = memory[0] + memory_mb * _MIB
        cap = cap if hard == resource.RLIM_INFINITY else min(cap, hard)
        resource.setrlimit(resource.RLIMIT_AS, (cap, hard))


def _memory() -> tuple[int, int] | None:
    """Bytes that this process has mapped, and those resident, where the system tells."""
    file = _statm(os.getpid())
    if file is None:
        return None
    mapped, resident = os.pread(file, 64, 0).split()[:2]
    return int(mapped) * _PAGE, int(resident) * _PAGE


@cache
def _statm(pid: int) -> int | None:
    """A descriptor of ``/proc/PID/statm``; by number, because a forked child needs its own."""
    try:
        return os.open(f"/proc/{pid}/statm", os.O_RDONLY)
    except FileNotFoundError:
        return None


def resident_memory() -> int:
    """The memory that this process has now, in bytes; its peak where the system tells no other."""
    memory = _memory()
    return peak_memory() if memory is None else memory[1]


def peak_memory() -> int:
    """The largest resident memory this process ever had, in bytes.

    On Linux one that was started from another process begins with the peak of that.
    """
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def machine_memory() -> int:
    """The memory of this machine in bytes, or what its container or service may take of it."""
    limits = [os.sysconf("SC_PHYS_PAGES") * _PAGE]
    with suppress(OSError, StopIteration):
        groups = Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines()
        group = next(line.removeprefix("0::/") for line in groups if line.startswith("0::/"))
        for folder in (_CONTROL_GROUPS / group, *(_CONTROL_GROUPS / group).parents):
            with suppress(OSError, ValueError):  # a limit that is none says "max"
                limits.append(int((folder / "memory.max").read_text(encoding="ascii")))
    return min(limits)


def no_core_files() -> None:
    """Switch core files off, for a process that is meant to be killed."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def lower_priority() -> None:
    """Let lookups and short queries go before this process, for one whose work takes a second."""
    os.nice(_PRIORITY)
