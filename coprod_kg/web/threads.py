"""Threads that do one thing after another; it knows nothing of what they do.

`concurrent.futures` does more than is needed here and takes twice the time for it, at every
request.
"""

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import TypeAlias

__all__ = ["Threads"]

_Work: TypeAlias = tuple[Callable[[], None], "asyncio.Future[None]"]


class Threads:
    """As many threads as are busy at the same time, up to a limit; they stay."""

    def __init__(self, most: int) -> None:
        """Start none yet."""
        self._most = most
        self._started = 0
        self._busy = 0
        self._work: queue.SimpleQueue[_Work] = queue.SimpleQueue()

    async def run(self, work: Callable[[], None]) -> None:
        """Have it done, and wait for it; to be called by one event loop only."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._busy += 1
        if self._busy > self._started and self._started < self._most:
            self._started += 1
            threading.Thread(target=self._go_on, name="request", daemon=True).start()
        self._work.put((work, done))
        try:
            await done
        finally:
            self._busy -= 1

    def _go_on(self) -> None:
        while True:
            work, done = self._work.get()
            error: BaseException | None = None
            try:
                work()
            except BaseException as raised:
                error = raised
                raise
            finally:
                done.get_loop().call_soon_threadsafe(self._finish, done, error)
                del work, done

    def _finish(self, done: "asyncio.Future[None]", error: BaseException | None) -> None:
        """In the event loop: the work is done, or its thread ended of it."""
        if error is not None:
            self._started -= 1
        if done.done():
            return
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)
