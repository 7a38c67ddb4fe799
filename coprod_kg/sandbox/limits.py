"""Deadline and memory cap of a process, enforced by the kernel, and what its exit status means.

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
from contextlib import contextmanager
from functools import cache

from coprod_kg.errors import CoprodError, EngineFailed, QueryMemory, QueryTimeout, QueryTooDeep

__all__ = [
    "DEADLINE",
    "OUT_OF_MEMORY",
    "TOO_DEEP",
    "limited",
    "no_core_files",
    "panic_in",
    "peak_memory",
    "stopped_by",
]

DEADLINE = -signal.SIGALRM
"""The exit status of a process that passed its deadline."""
OUT_OF_MEMORY = (-signal.SIGABRT, -signal.SIGKILL)
"""The exit statuses of a process that ran into its memory cap, unless its engine broke down."""
TOO_DEEP = (-signal.SIGSEGV, -signal.SIGBUS)
"""The exit statuses of a process whose stack was exhausted by what it was given to parse."""


def stopped_by(
    status: int | None, work: str, seconds: float, memory_mb: int, panic: str = ""
) -> CoprodError | None:
    """The error for an exit status: a limit, a breakdown of the engine, or None for neither.

    Args:
        status: as `subprocess` tells it.
        work: what the process was doing: ``query`` or ``update``.
        seconds: the deadline it had.
        memory_mb: the memory cap it had.
        panic: what `panic_in` found in its standard error.
    """
    # Rust aborts the process both when it gets no memory and when the engine meets a fault.
    if status == -signal.SIGABRT and panic and not _FOR_MEMORY.search(panic):
        return EngineFailed(
            f"the query engine broke down over the {work}: {panic}",
            fix=f"Nothing else was touched. Write the {work} in another way, and please report it.",
        )
    if status == DEADLINE:
        return QueryTimeout(
            f"the {work} was stopped after {seconds:g} seconds",
            fix="Ask for less: bind more terms, or write MINUS in place of FILTER NOT EXISTS. "
            "The deadline is the setting query-seconds.",
        )
    if status in OUT_OF_MEMORY:
        return QueryMemory(
            f"the {work} was stopped at {memory_mb} MiB of memory",
            fix="Sort, group or join less at once. The cap is the setting query-memory-mb.",
        )
    if status in TOO_DEEP:
        return QueryTooDeep(
            f"the {work} is nested deeper than the engine can follow",
            fix="Write it with fewer parentheses, groups or path steps inside one another.",
        )
    return None


_PANIC = re.compile(rb"panicked at [^\n]*\n([^\n]*)")
_FOR_MEMORY = re.compile("memory|allocat|capacity", re.IGNORECASE)


def panic_in(stderr: bytes) -> str:
    """The message of the engine's panic in the standard error of a process, or an empty text."""
    panic = _PANIC.search(stderr)
    return panic[1].decode(errors="replace").strip()[:500] if panic else ""


_MIB = 1 << 20
_PAGE = resource.getpagesize()


@contextmanager
def limited(seconds: float, memory_mb: int) -> Iterator[None]:
    """Work under a deadline and a memory cap.

    Args:
        seconds: after so many seconds of wall-clock time the kernel ends this process.
        memory_mb: how much more memory than now this process may map, in MiB. Only Linux
            enforces it; elsewhere the deadline has to do.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    mapped = _mapped()
    if mapped is not None:
        cap = mapped + memory_mb * _MIB
        resource.setrlimit(
            resource.RLIMIT_AS, (cap if hard == resource.RLIM_INFINITY else min(cap, hard), hard)
        )
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _mapped() -> int | None:
    """Bytes of address space this process has mapped, where the system tells."""
    file = _statm(os.getpid())
    return None if file is None else int(os.pread(file, 64, 0).split()[0]) * _PAGE


@cache
def _statm(pid: int) -> int | None:
    """A descriptor of ``/proc/PID/statm``; by number, because a forked child needs its own."""
    try:
        return os.open(f"/proc/{pid}/statm", os.O_RDONLY)
    except FileNotFoundError:
        return None


def peak_memory() -> int:
    """The largest resident memory this process ever had, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def no_core_files() -> None:
    """Switch core files off, for a process that is meant to be killed."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
