"""The limits under which a process works for somebody else; the kernel enforces them.

No handler runs when one is passed: the interval timer's signal ends the process by its default
action, and memory beyond the cap is refused, on which Rust's allocator aborts. Whoever waits for
the process learns from its status which it was.
"""

import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["DEADLINE", "OUT_OF_MEMORY", "TOO_DEEP", "limited", "no_core_files", "peak_memory"]

DEADLINE = -signal.SIGALRM
"""The exit status of a process that passed its deadline."""
OUT_OF_MEMORY = (-signal.SIGABRT, -signal.SIGKILL)
"""The exit statuses of a process that ran into its memory cap."""
TOO_DEEP = (-signal.SIGSEGV, -signal.SIGBUS)
"""The exit statuses of a process whose stack was exhausted by what it was given to parse."""

_MIB = 1 << 20


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
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except FileNotFoundError:
        return None
    return pages * resource.getpagesize()


def peak_memory() -> int:
    """The largest resident memory this process ever had, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def no_core_files() -> None:
    """A process that is meant to be killed leaves no core file behind."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
