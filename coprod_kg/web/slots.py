"""How many queries of one client run at the same time, over all web processes; it asks none.

A slot is a file that is locked (``flock``) while it is taken: the kernel gives it back however
its holder ends. Clients share slots only where the hashes of their names meet.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

from coprod_kg.errors import Overloaded
from coprod_kg.settings import Settings
from coprod_kg.store.base import Answer, Asker

__all__ = ["Slots", "give_back", "hold"]

_AGAIN_SECONDS: Final = 0.01


class Slots:
    """The slots of every client.

    Args:
        folder: where their files are, or None for no limit.
        settings: how many each client has, and how long to wait for one.
    """

    def __init__(self, folder: Path | None, settings: Settings) -> None:
        self._folder = folder
        self._settings = settings
        self._turn = 0
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)

    def take(self, client: str, asker: Asker) -> int | None:
        """Take a slot, waiting for one if need be; give it to `hold` or `give_back`.

        Raises:
            Overloaded: none became free in time.
        """
        deadline = time.monotonic() + self._settings.queue_seconds
        while True:
            with suppress(BlockingIOError):
                return self.take_at_once(client)
            if time.monotonic() > deadline or asker.left:
                raise Overloaded(
                    f"{self._settings.client_queries} queries of this client are running, and "
                    f"none ended within {self._settings.queue_seconds:g} seconds",
                    fix="Wait for their answers. The limit is the setting client-queries.",
                )
            time.sleep(_AGAIN_SECONDS)

    def take_at_once(self, client: str) -> int | None:
        """Take a slot that is free now.

        Raises:
            BlockingIOError: none is.
        """
        if self._folder is None:
            return None
        name = sha256(client.encode()).hexdigest()[:4]
        first = self._turn  # where the last free one was: those before are taken already
        for place in range(first, first + self._settings.client_queries):
            file = f"{self._folder}/{name}-{place % self._settings.client_queries}"
            slot = os.open(file, os.O_CREAT | os.O_RDWR, 0o600)
            try:
                fcntl.flock(slot, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(slot)
            else:
                self._turn = place + 1
                return slot
        raise BlockingIOError


def give_back(slot: int | None) -> None:
    """Give a slot back."""
    if slot is not None:
        os.close(slot)


def hold(answer: Answer, slot: int | None) -> Answer:
    """The same answer, which gives the slot back at its end."""
    if slot is None:
        return answer
    return Answer(answer.media_type, answer.version, answer.length, _Held(answer, slot))


class _Held:
    """The bytes of an answer, and the slot they hold until the last of them."""

    def __init__(self, answer: Answer, slot: int) -> None:
        self._answer = answer
        self._slot: int | None = slot

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._answer.chunks)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop, and give the slot back."""
        slot, self._slot = self._slot, None
        self._answer.close()
        give_back(slot)

    def __del__(self) -> None:
        self.close()
