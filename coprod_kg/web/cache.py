"""Cache of small answers in one web process, least recently used first out; holds no errors.

An answer is a function of the dataset version and the query, so it is never out of date. The key is
`coprod_kg.store.prepared.content_of` the query.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from coprod_kg.sparql.tokens import is_changing
from coprod_kg.store.base import Answer, Query
from coprod_kg.store.prepared import content_of

__all__ = ["Cache"]

_Key: TypeAlias = tuple[int, Any]

_ENTRY: Final = 1 << 20
"""No answer larger than this is small."""
_PARTS: Final = 8
"""No answer may take more than this part of the cache."""
_OVERHEAD: Final = 2048
"""What an entry takes beside its text and its bytes, about."""


@dataclass(frozen=True, slots=True)
class _Kept:
    media_type: str
    data: bytes
    cost: int


class Cache:
    """A cache that evicts the least recently used answers; safe to use from any number of threads.

    Args:
        megabytes: how much it may hold, in MiB; 0 keeps nothing.
    """

    def __init__(self, megabytes: int) -> None:
        self._room = megabytes << 20
        self._most = min(_ENTRY, self._room // _PARTS)
        self._held = 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()

    @property
    def held(self) -> int:
        """Bytes it holds now, about."""
        return self._held

    def keeps(self, query: Query) -> bool:
        """Whether the answer to such a query may be kept, being the same each time."""
        return bool(self._room) and not is_changing(query.text)

    def find(self, query: Query, version: int) -> Answer | None:
        """The cached answer, or None."""
        key = (version, content_of(query))
        with self._lock:
            kept = self._kept.get(key)
            if kept is None:
                return None
            self._kept.move_to_end(key)
        return Answer(kept.media_type, version, len(kept.data), iter((kept.data,)))

    def noting(self, query: Query, answer: Answer) -> Answer:
        """An answer that is cached once read to its end; a large one passes uncached."""
        if answer.length is None or self._cost(query, answer.length) > self._most:
            return answer
        return Answer(
            answer.media_type, answer.version, answer.length, _Noting(self, query, answer)
        )

    def keep(self, query: Query, answer: Answer, data: bytes) -> None:
        """Cache the bytes of a small answer; older ones are evicted where there is no room."""
        kept = _Kept(answer.media_type, data, self._cost(query, len(data)))
        if kept.cost > self._most:
            return
        key = (answer.version, content_of(query))
        with self._lock:
            before = self._kept.pop(key, None)
            self._held += kept.cost - (before.cost if before else 0)
            self._kept[key] = kept
            while self._held > self._room:
                _, oldest = self._kept.popitem(last=False)
                self._held -= oldest.cost

    @staticmethod
    def _cost(query: Query, length: int) -> int:
        names = (*query.default_graphs, *query.named_graphs, *query.media_types)
        return length + 4 * len(query.text) + sum(map(len, names)) + _OVERHEAD


class _Noting:
    """The bytes of an answer, collected as they pass; kept only when all of them have."""

    def __init__(self, cache: Cache, query: Query, answer: Answer) -> None:
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
