"""Cache of small answers in one web process, least recently used first out; holds no errors.

An answer is a function of the dataset version and the query, so it is never out of date. The key is
`coprod_kg.store.prepared.content_of` the query.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeAlias, TypeVar

from coprod_kg.sparql.tokens import is_changing
from coprod_kg.store.base import Answer, Query
from coprod_kg.store.prepared import content_of

__all__ = ["AnswerCache", "LRUCache"]

_Key: TypeAlias = tuple[int, Any]
_K = TypeVar("_K")
_V = TypeVar("_V")

_ENTRY: Final = 1 << 20
"""No answer larger than this is small."""
_SHARE: Final = 8
"""One answer may take an eighth of the cache at most."""
_OVERHEAD: Final = 2048
"""What an entry takes beside its text and its bytes, about."""


class LRUCache(Generic[_K, _V]):
    """Values by key up to a total cost, the least recently used evicted first.

    Safe to use from any number of threads.

    Args:
        room: what they may cost together.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._held = 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[_K, tuple[_V, int]] = OrderedDict()

    @property
    def held(self) -> int:
        """What they cost together now."""
        return self._held

    def get(self, key: _K) -> _V | None:
        """The value under a key, which is the most recently used then."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is None:
                return None
            self._kept.move_to_end(key)
        return kept[0]

    def put(self, key: _K, value: _V, cost: int) -> None:
        """Keep a value in the place of any other under its key."""
        with self._lock:
            _, before = self._kept.pop(key, (None, 0))
            self._held += cost - before
            self._kept[key] = value, cost
            while self._held > self._room:
                _, (_, freed) = self._kept.popitem(last=False)
                self._held -= freed


@dataclass(frozen=True, slots=True)
class _Kept:
    media_type: str
    data: bytes


class AnswerCache:
    """A cache that evicts the least recently used answers; safe to use from any number of threads.

    Args:
        megabytes: how much it may hold, in MiB; 0 keeps nothing.
    """

    def __init__(self, megabytes: int) -> None:
        self._room = megabytes << 20
        self._most = min(_ENTRY, self._room // _SHARE)
        self._kept = LRUCache[_Key, _Kept](self._room)

    @property
    def held(self) -> int:
        """Bytes it holds now, about."""
        return self._kept.held

    def is_cacheable(self, query: Query) -> bool:
        """Whether the answer to such a query may be kept, being the same each time."""
        return bool(self._room) and not is_changing(query.text)

    def find(self, query: Query, version: int) -> Answer | None:
        """The cached answer, or None."""
        kept = self._kept.get((version, content_of(query)))
        if kept is None:
            return None
        return Answer(kept.media_type, version, len(kept.data), iter((kept.data,)))

    def cached_when_read(self, query: Query, answer: Answer) -> Answer:
        """An answer that is cached once read to its end; a large one passes uncached."""
        if answer.length is None or self._cost(query, answer.length) > self._most:
            return answer
        return Answer(
            answer.media_type, answer.version, answer.length, _CachingChunks(self, query, answer)
        )

    def keep(self, query: Query, answer: Answer, data: bytes) -> None:
        """Cache the bytes of a small answer; older ones are evicted where there is no room."""
        cost = self._cost(query, len(data))
        if cost <= self._most:
            kept = _Kept(answer.media_type, data)
            self._kept.put((answer.version, content_of(query)), kept, cost)

    @staticmethod
    def _cost(query: Query, length: int) -> int:
        names = (*query.default_graphs, *query.named_graphs, *query.media_types)
        # the text is a part of the key, and a string takes up to four bytes a character
        return length + 4 * len(query.text) + sum(map(len, names)) + _OVERHEAD


class _CachingChunks:
    """The bytes of an answer, collected as they pass; kept only when all of them have."""

    def __init__(self, cache: AnswerCache, query: Query, answer: Answer) -> None:
        self._cache = cache
        self._query = query
        self._answer = answer
        self._data = bytearray()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            chunk = next(self._answer.chunks)
        except StopIteration:
            if len(self._data) == self._answer.length:
                self._cache.keep(self._query, self._answer, bytes(self._data))
            raise
        self._data += chunk
        return chunk

    def close(self) -> None:
        """Stop; the worker that computes this answer is released."""
        self._answer.close()
