"""Shares of what one process has so much of: places for large answers, and bytes on disk."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from coprod_kg.web.client_slots import Client, fair

__all__ = ["Share", "Shared"]


class Shared:
    """Something of which this process has so much, and each client a share.

    Args:
        size: how much there is.
        watch: told how much is taken, after each change.
    """

    def __init__(self, size: int, watch: Callable[[int], None] = lambda taken: None) -> None:
        self._size = size
        self._watch = watch
        self._reserved = size // 8  # left to clients with a token
        self._lock = threading.Lock()
        self._taken: Counter[int] = Counter()

    def take(self, client: Client, amount: int = 1) -> bool:
        """Take some for a client; false where there is not so much, or it has its share."""
        with self._lock:
            free = self._size - self._taken.total() - (0 if client.token else self._reserved)
            if free < amount or not fair(self._taken[client.key], free):
                return False
            self._taken[client.key] += amount
            self._watch(self._taken.total())
            return True

    def give_back(self, client: Client, amount: int = 1) -> None:
        """Give it back."""
        with self._lock:
            self._taken[client.key] -= amount
            if not self._taken[client.key]:
                del self._taken[client.key]
            self._watch(self._taken.total())

    @property
    def taken(self) -> int:
        """How much of it is taken."""
        with self._lock:
            return self._taken.total()


@dataclass(frozen=True, slots=True)
class Share:
    """One client's view of something shared; it fits `coprod_kg.formats.relay.SpoolQuota`."""

    shared: Shared
    client: Client

    def take(self, amount: int = 1) -> bool:
        """Take some for the client; false where there is not so much, or it has its share."""
        return self.shared.take(self.client, amount)

    def give_back(self, amount: int = 1) -> None:
        """Give it back."""
        self.shared.give_back(self.client, amount)
