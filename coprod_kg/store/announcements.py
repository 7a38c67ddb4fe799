"""Announcement of a version to the processes that answer point lookups, before it is the newest.

They open it while readers are still given the one before, so that nobody waits for the opening
once it is the newest. The writer waits a moment for them; a version is published in any case.
"""

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, NoReturn

__all__ = ["ANNOUNCED", "Announcements", "follow"]

ANNOUNCED: Final = "announced"
"""The name of the socket in the directory where the processes of a store meet."""
_PATIENCE_SECONDS: Final = 0.1
"""So long a commit waits for all who follow: opening takes 10 ms, on a busy machine 50."""
_AGAIN_SECONDS: Final = 0.5
_BYTES: Final = 8


class Announcements:
    """The writer's side, of one thread.

    Args:
        path: the socket to which those connect who follow.
    """

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(path))
        self._listening.listen()
        self._listening.setblocking(False)
        self._following: list[socket.socket] = []

    def announce(self, version: int) -> None:
        """Tell all who follow, and wait until they have opened it, but no longer than a moment."""
        with suppress(BlockingIOError):
            while True:
                self._following.append(self._listening.accept()[0])
        until = time.monotonic() + _PATIENCE_SECONDS
        told = [one for one in self._following if self._reaches(one, version)]
        self._following = [one for one in told if self._has_opened(one, version, until)]

    def close(self) -> None:
        """Leave all who follow to the next writer."""
        for connection in (self._listening, *self._following):
            connection.close()

    def _reaches(self, follower: socket.socket, version: int) -> bool:
        follower.settimeout(_PATIENCE_SECONDS)
        try:
            follower.sendall(version.to_bytes(_BYTES))
        except OSError:  # it has ended, or has heard nothing for thousands of versions
            follower.close()
            return False
        return True

    def _has_opened(self, follower: socket.socket, version: int, until: float) -> bool:
        """Whether it still follows, when it has opened the version or the moment is over."""
        opened: int | None = 0
        try:
            while opened is not None and opened < version:  # what it says late is of earlier ones
                follower.settimeout(max(0.001, until - time.monotonic()))
                opened = _number(follower)
        except TimeoutError:
            return True
        except OSError:
            opened = None
        if opened is None:
            follower.close()
        return opened is not None


def follow(path: Path, opened: Callable[[int], object]) -> NoReturn:
    """Open each version that is announced, for as long as this process lives.

    Args:
        path: the socket of the writer, who may end and be started again.
        opened: opens a version.
    """
    while True:
        with suppress(OSError), socket.socket(socket.AF_UNIX) as following:
            following.connect(str(path))
            while (version := _number(following)) is not None:
                opened(version)
                following.sendall(version.to_bytes(_BYTES))
        time.sleep(_AGAIN_SECONDS)


def _number(connection: socket.socket) -> int | None:
    """The number that was sent; None where the other side has ended."""
    told = connection.recv(_BYTES, socket.MSG_WAITALL)
    return int.from_bytes(told) if len(told) == _BYTES else None
