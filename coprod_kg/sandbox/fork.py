"""Work in a copy of this process while this one goes on; what kills the copy kills both.

Only for a process with one thread. The copy has the same caps, and the time that is left. It
shares no open file, so that nobody takes it for the process that it was copied from.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["beside"]


@contextmanager
def beside(work: Callable[[], bytes]) -> Iterator[Callable[[], bytes]]:
    """Begin the work in a copy, and give what waits for its result.

    Where the work raises an error in the copy, it is done again here, which raises it here.

    >>> with beside(lambda: b"done there") as result:
    ...     result()
    b'done there'
    """
    read, write = os.pipe()
    left = signal.getitimer(signal.ITIMER_REAL)[0]
    process = os.fork()
    if not process:
        _work(work, write, left)
    os.close(write)
    ended: list[int] = []

    def result() -> bytes:
        with os.fdopen(read, "rb", closefd=False) as pipe:
            data = pipe.read()
        ended.append(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))
        if ended[0] < 0:
            os.kill(os.getpid(), -ended[0])
        return work() if ended[0] else data

    try:
        yield result
    finally:
        os.close(read)
        if not ended:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)


def _work(work: Callable[[], bytes], write: int, left: float) -> None:
    """The whole life of the copy."""
    status = 1
    try:
        os.closerange(0, write)
        os.closerange(write + 1, os.sysconf("SC_OPEN_MAX"))
        signal.setitimer(signal.ITIMER_REAL, left)
        data = work()
        with os.fdopen(write, "wb") as pipe:
            pipe.write(data)
        status = 0
    except MemoryError:
        os.abort()
    finally:
        os._exit(status)
