"""Content coding and ranges of response bodies: gzip, and the range that a client asks for."""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, TypeAlias

from coprod_kg.errors import RequestError
from coprod_kg.server.request import Head
from coprod_kg.web.cache import LRUCache

__all__ = [
    "GzipCache",
    "RangeRefused",
    "gzip_headers",
    "gzip_stream",
    "is_compressible",
    "requested_range",
    "takes_gzip",
]

_LEAST: Final = 1024
"""Bytes from which compression saves a packet."""
_TEXTUAL: Final = re.compile(
    r"text/|image/svg\+xml|application/(.*\+)?(json|xml|n-triples|n-quads|trig|sparql-query)\b"
)
_RANGE: Final = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*", re.IGNORECASE)
_GZIP: Final = 31
_STREAM_LEVEL, _CACHED_LEVEL = 1, 6

Pairs: TypeAlias = list[tuple[str, str]]


class RangeRefused(RequestError):
    """No byte of what is there lies in the range asked for."""

    status = 416
    title = "The range cannot be had"


def takes_gzip(head: Head) -> bool:
    """Whether a client takes gzip, by its header ``Accept-Encoding``.

    Browsers send a password (Basic) also where the page of another site makes the request. That
    page could learn secrets from the length of a compressed answer that repeats its words (BREACH).
    """
    accepted = head.headers.get("accept-encoding")
    if not accepted or head.headers.get("authorization", "").lower().startswith("basic"):
        return False
    weights: dict[str, float] = {}
    for element in accepted.lower().split(","):
        name, _, parameter = element.partition(";")
        key, _, value = parameter.partition("=")
        try:
            weights[name.strip()] = float(value) if key.strip() == "q" else 1.0
        except ValueError:
            weights[name.strip()] = 0.0
    gzip = weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0)))
    return gzip > 0 and gzip >= weights.get("identity", 0.0)


def is_compressible(status: int, headers: Pairs, length: int | None) -> bool:
    """Whether an answer is text, not tiny, and not coded already.

    Args:
        status: of the answer.
        headers: of the answer.
        length: of its body in bytes, or None where that is not known yet.
    """
    if (length is not None and length < _LEAST) or status in (204, 206, 304):
        return False
    headers_by_name = {name.lower(): value for name, value in headers}
    cache_control = headers_by_name.get("cache-control", "")
    coded = "content-encoding" in headers_by_name or "no-transform" in cache_control
    return not coded and bool(_TEXTUAL.match(headers_by_name.get("content-type", "").lower()))


def _without(headers: Pairs, *names: str) -> Pairs:
    """The headers but those of these names."""
    return [(name, value) for name, value in headers if name.lower() not in names]


def gzip_headers(headers: Pairs) -> Pairs:
    """The headers of a gzip-coded answer; its tag becomes weak, since the bytes differ."""
    weak = [
        (name, f"W/{value}" if name.lower() == "etag" and value.startswith('"') else value)
        for name, value in _without(headers, "content-length", "accept-ranges")
    ]
    return [*weak, ("Content-Encoding", "gzip")]


class GzipCache:
    """Compressed bodies by the hash of their bytes; the least recently used is evicted first.

    Args:
        room: bytes that they may take together.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._bodies = LRUCache[bytes, bytes](room)

    @property
    def size(self) -> int:
        """Bytes of all compressed bodies in the cache."""
        return self._bodies.held

    def compressed(self, body: bytes) -> bytes:
        """A whole body, compressed."""
        # Keyed by content, so that no version, view or format can be confused with another.
        key = sha256(body).digest()
        compressed = self._bodies.get(key)
        if compressed is not None:
            return compressed
        # Without a lock: a body compressed twice costs less than threads that wait for it.
        compressed = zlib.compress(body, _CACHED_LEVEL, _GZIP)
        if len(compressed) * 8 <= self._room:
            self._bodies.put(key, compressed, len(compressed))
        return compressed


def gzip_stream(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """A body that comes in pieces, compressed as it comes."""
    compressor = zlib.compressobj(_STREAM_LEVEL, wbits=_GZIP)
    for chunk in chunks:
        if compressed := compressor.compress(chunk):
            yield compressed
    yield compressor.flush()


@dataclass(frozen=True, slots=True)
class _Bounds:
    first: int
    last: int


def requested_range(
    head: Head, headers: Pairs, length: int, body: Iterator[bytes]
) -> tuple[Pairs, Iterator[bytes]] | None:
    """The headers and the body of the one range that a GET asks for; None where it gets all.

    Several ranges at once, and a tag that is not the answer's own strong one (RFC 9110, 13.1.5),
    get all of it.

    Raises:
        RangeRefused: the range begins behind the end.
    """
    if "range" not in head.headers:
        return None
    match = _RANGE.fullmatch(head.headers["range"])
    condition = head.headers.get("if-range")
    if match is not None and condition is not None:
        headers_by_name = {name.lower(): value for name, value in headers}
        is_same = condition in (headers_by_name.get("etag"), headers_by_name.get("last-modified"))
        match = match if is_same and not condition.startswith("W/") else None
    if match is None or head.method != "GET":
        return None
    bounds = _bounds(match[1], match[2], length)
    if bounds is None:
        return None
    size = bounds.last - bounds.first + 1
    range_headers = [
        *_without(headers, "content-length"),
        ("Content-Length", str(size)),
        ("Content-Range", f"bytes {bounds.first}-{bounds.last}/{length}"),
    ]
    return range_headers, _cut(body, bounds.first, size)


def _bounds(first: str, last: str, length: int) -> _Bounds | None:
    if not first and not last:
        return None
    begin = int(first) if first else max(0, length - int(last))
    end = min(int(last), length - 1) if first and last else length - 1
    if first and last and int(last) < int(first):
        return None  # not a range at all: as if nothing were asked
    if begin >= length:
        raise RangeRefused(
            f"the answer has {length} bytes, and none from {begin} on",
            where="header Range",
            fix="Ask for bytes that are there, or leave the header out.",
        )
    return _Bounds(begin, end)


def _cut(body: Iterator[bytes], skip: int, size: int) -> Iterator[bytes]:
    for chunk in body:
        piece = chunk[skip : skip + size]
        skip, size = max(0, skip - len(chunk)), size - len(piece)
        if piece:
            yield piece
        if not size:
            return
