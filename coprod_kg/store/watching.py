"""Ends a worker whose asker has left; one thread for the whole process, and no query is read.

The kernel tells of an end of a connection whoever asks it; the thread asks some times a second
while a query is under way, and sleeps between queries. Taking up a query costs it nothing.
"""

import os
import select
import socket
import threading
import time
from types import TracebackType
from typing import Final, NoReturn

__all__ = ["Watcher"]

_AGAIN_SECONDS: Final = 0.1
_LEFT: Final = getattr(select, "POLLRDHUP", select.POLLHUP)


class Watcher:
    """Watches one connection at a time, inside ``with watcher.over(connection)``."""

    def __init__(self) -> None:
        """Start the thread."""
        self._lock = threading.Lock()
        self._busy = threading.Event()
        self._watched: socket.socket | None = None
        threading.Thread(target=self._watch, name="watcher", daemon=True).start()

    def over(self, connection: socket.socket) -> "Watcher":
        """Watch a connection as long as the context lasts."""
        with self._lock:
            self._watched = connection
        self._busy.set()
        return self

    def __enter__(self) -> None:
        """The watching has begun."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Watch no more: from now on the end of the connection ends nothing."""
        with self._lock:
            self._watched = None

    def _watch(self) -> NoReturn:
        while True:
            self._busy.wait()
            time.sleep(_AGAIN_SECONDS)
            with self._lock:  # held, so that the query cannot end in between
                if self._watched is None:
                    self._busy.clear()
                elif _has_left(self._watched):
                    os._exit(0)


def _has_left(connection: socket.socket) -> bool:
    poll = select.poll()
    poll.register(connection, _LEFT)
    return bool(poll.poll(0))
