"""Run a function in a forked child and read its result from a pipe.

A signal that ends the child ends the parent too. Only for a process with one thread. The child has
the same caps, and the time that is left. It closes every file that the parent has open, so that no
socket or lock of the parent stays held by it.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["forked"]


@contextmanager
def forked(work: Callable[[], bytes]) -> Iterator[Callable[[], bytes]]:
    """Begin the work in a forked child; gives a function that waits for its result.

    Where the work raises an error in the child, it is done again here, which raises it here.

    >>> with forked(lambda: b"done there") as result:
    ...     result()
    b'done there'
    """
    read, write = os.pipe()
    seconds_left = signal.getitimer(signal.ITIMER_REAL)[0]
    process = os.fork()
    if not process:
        _work(work, write, seconds_left)
    os.close(write)
    exit_statuses: list[int] = []

    def result() -> bytes:
        with os.fdopen(read, "rb", closefd=False) as pipe:
            data = pipe.read()
        exit_statuses.append(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))
        if exit_statuses[0] < 0:
            # The limits are the whole process's: its parent has to see which of them was met.
            os.kill(os.getpid(), -exit_statuses[0])
        return work() if exit_statuses[0] else data

    try:
        yield result
    finally:
        os.close(read)
        if not exit_statuses:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)


def _work(work: Callable[[], bytes], write: int, seconds_left: float) -> None:
    """The whole life of the child."""
    status = 1
    try:
        # An inherited socket or lock would stay open, and held, until the child ends too.
        os.closerange(0, write)
        os.closerange(write + 1, os.sysconf("SC_OPEN_MAX"))
        signal.setitimer(signal.ITIMER_REAL, seconds_left)  # `fork` does not inherit timers
        data = work()
        with os.fdopen(write, "wb") as pipe:
            pipe.write(data)
        status = 0
    except MemoryError:
        os.abort()  # as Rust's allocator does, so that `death` takes it for the memory cap
    finally:
        os._exit(status)  # without the parent's exit handlers and buffered output
