"""Cache of small answers in one web process, least recently used first out; holds no errors.

An answer is a function of the dataset version and the query, so it is never out of date. The key is
every field of `Query` but the deadline, the client and the kind of worker; a field that is added to
`Query` later counts by itself, such as which private graphs are seen.
"""

import re
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, Final, TypeAlias

from coprod_kg.store.base import Answer, Query

__all__ = ["Cache", "is_changing"]

_Key: TypeAlias = tuple[int, Any]

_ENTRY: Final = 1 << 20
"""No answer larger than this is small."""
_PARTS: Final = 8
"""No answer may take more than this part of the cache."""
_OVERHEAD: Final = 2048
"""What an entry takes beside its text and its bytes, about."""
_CHANGING: Final = {
    "now": re.compile(r"now\s*[(#]"),
    "rand": re.compile(r"rand\s*[(#]"),
    "uuid": re.compile(r"uuid\s*[(#]"),
    "service": re.compile(  # the word, not a part of a name; whom it asks follows
        r"(?<![a-z_?$:-])service(?![\w:-])\s*(?:silent\s*)?(?:[<?$#]|[^\s{}()<>]*:)"
    ),
}
"""What makes two answers to one query differ; also where it stands in a string or a comment.
A text without the word, which is found twenty times faster, cannot match its pattern."""
_HEAD: Final = re.compile(r"(?:\s*#[^\r\n]*)*")
"""The comments that a text begins with: no string is open there, so they are comments for certain.
The header of a saved query stands in them, and what it says in words ("now") changes nothing."""


def is_changing(text: str) -> bool:
    """Whether the answer to a query may be another one over the same data, as with ``NOW()``."""
    lowered = text.lower()
    if "\\u" in lowered:  # an escape may spell any of them, or the end of a comment
        return True
    head = _HEAD.match(lowered)
    lowered = lowered[head.end() if head else 0 :]
    return any(word in lowered and sign.search(lowered) for word, sign in _CHANGING.items())


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
        key = _key(query, version)
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
        key = _key(query, answer.version)
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


# These say how an answer is computed, not what it says. All other fields are the key, so that one
# added to `Query` later makes two entries at worst, and not one wrong answer.
_HOW: Final = ("version", "seconds", "cancellation", "reserved", "sent")
_WHAT: Final = attrgetter(*(field.name for field in fields(Query) if field.name not in _HOW))


def _key(query: Query, version: int) -> _Key:
    return version, _WHAT(query)
