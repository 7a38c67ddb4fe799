"""Watchdog thread of a query worker.

Where the client closes the connection, the process ends; where the query takes more than a moment,
the worker leaves its lane to another. The thread looks some times a second while there is a query,
and sleeps in between: taking up a query costs nothing.
"""

import os
import select
import socket
import threading
import time
from collections.abc import Callable
from typing import Final, NoReturn

__all__ = ["Watcher"]

_AGAIN_SECONDS: Final = 0.1
"""How often it looks; a query that it sees twice is long."""
_LONG: Final = 2
_LEFT: Final = getattr(select, "POLLRDHUP", select.POLLHUP)


class Watcher:
    """Watches one connection at a time, inside ``with watcher.over(connection)``.

    Args:
        on_long: called once for each query that takes long, while it is under way.
    """

    def __init__(self, on_long: Callable[[], None]) -> None:
        self._on_long = on_long
        self._looks = 0
        self._lock = threading.Lock()
        self._busy = threading.Event()
        self._watched: socket.socket | None = None
        threading.Thread(target=self._watch, name="watcher", daemon=True).start()

    def over(self, connection: socket.socket) -> "Watcher":
        """Watch a connection as long as the context lasts."""
        with self._lock:
            self._watched, self._looks = connection, 0
        self._busy.set()
        return self

    def __enter__(self) -> None:
        """Does nothing: `over` has begun the watch."""

    def __exit__(self, *_: object) -> None:
        """End the watch: from now on the end of the connection does not end the process."""
        with self._lock:
            self._watched = None

    def _watch(self) -> NoReturn:
        while True:
            self._busy.wait()
            time.sleep(_AGAIN_SECONDS)
            with self._lock:  # held, so that the query cannot end in between
                if self._watched is None:
                    self._busy.clear()
                    continue
                if _has_left(self._watched):
                    os._exit(0)
                self._looks += 1
                if self._looks == _LONG:
                    self._on_long()


def _has_left(connection: socket.socket) -> bool:
    poll = select.poll()
    poll.register(connection, _LEFT)
    return bool(poll.poll(0))
