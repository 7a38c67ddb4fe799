"""Watcher of the query that a worker computes: has its client left, does it take long."""

import os
import select
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Final, NoReturn

__all__ = ["Watcher"]

_AGAIN_SECONDS: Final = 0.1
"""How often the watcher looks; a query that it sees twice is long."""
_LONG: Final = 2
_PRIORITY_OF_LONG: Final = 10
"""As ``nice`` counts: about a ninth of the processor time that a short query is given beside it."""
_HANGUP: Final = getattr(select, "POLLRDHUP", select.POLLHUP)


class Watcher:
    """Watches one connection at a time, inside ``with watcher.over(connection)``, from a thread.

    Where the client closes the connection, the process ends; where the query takes more than a
    moment, the worker leaves its lane to another. The thread looks some times a second while there
    is a query, and sleeps in between: taking up a query costs nothing. A query that takes long goes
    on at a low priority, so that on a busy machine it does not keep short ones waiting.

    Args:
        on_long: called once for each query that takes long, while it is under way.
    """

    def __init__(self, on_long: Callable[[], None]) -> None:
        self._on_long = on_long
        self._looks = 0
        self._lock = threading.Lock()
        self._busy = threading.Event()
        self._watched: socket.socket | None = None
        self._thread = self._lowered = 0
        threading.Thread(target=self._watch, name="watcher", daemon=True).start()

    @property
    def has_lowered(self) -> bool:
        """Whether the calling thread was given a low priority, which it cannot lose."""
        return self._lowered == threading.get_native_id()

    def over(self, connection: socket.socket) -> "Watcher":
        """Watch a connection as long as the context lasts."""
        with self._lock:
            self._watched, self._looks = connection, 0
            self._thread = threading.get_native_id()
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
                if _has_disconnected(self._watched):
                    os._exit(0)
                self._looks += 1
                if self._looks == 1:
                    self._lowered = self._thread
                    _lower_priority(self._thread)
                if self._looks == _LONG:
                    self._on_long()


def _lower_priority(thread: int) -> None:
    """Give way to the threads of short queries, of this process and others (Linux only)."""
    if sys.platform == "linux":  # elsewhere a priority is a whole process's
        os.setpriority(os.PRIO_PROCESS, thread, _PRIORITY_OF_LONG)


def _has_disconnected(connection: socket.socket) -> bool:
    poll = select.poll()
    poll.register(connection, _HANGUP)
    return bool(poll.poll(0))
