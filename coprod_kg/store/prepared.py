"""Answers made ready for a version before anybody asks: files that all web processes read.

An answer is a function of the version and of what a query asks, so a file is never out of date.
Its name is a hash of both, of the lineage and of the programs that made it. What is hidden from a
client is part of what is asked: who sees other data finds another file, or none.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from functools import cached_property
from hashlib import sha256
from importlib.metadata import version
from operator import attrgetter
from pathlib import Path
from typing import Any, BinaryIO, Final

from coprod_kg.store.base import Answer, Query
from coprod_kg.store.directory import DataDirectory, write_durably
from coprod_kg.store.formats import GRAPH_FORMATS, RESULT_FORMATS, rewritten

__all__ = ["LARGEST_BYTES", "PreparedAnswers", "content_of"]

LARGEST_BYTES: Final = 16 << 20
"""Those who call `PreparedAnswers.keep` leave larger answers out."""
_PIECE: Final = 1 << 18
"""Bytes that are read at once of an answer that is handed on as it is read."""

_PLAIN: Final = (
    ("application/sparql-results+json", RESULT_FORMATS),
    ("application/n-triples", GRAPH_FORMATS),
)
"""The format in which answers are prepared, and those that it can be rewritten in."""

# These say how an answer is computed, not what it says. All other fields are the key, so that one
# added to `Query` later makes two entries at worst, and not one wrong answer.
_HOW: Final = ("version", "seconds", "cancellation", "reserved", "sent")
content_of: Final[Callable[[Query], Any]] = attrgetter(
    *(field.name for field in fields(Query) if field.name not in _HOW)
)
"""What a query asks, whatever the version: equal for two that have the same answer."""


class _Pieces:
    """The bytes of a file from where it is read, piece by piece; the file is closed at its end."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        piece = b"" if self._file.closed else self._file.read(_PIECE)
        if not piece:
            self.close()
            raise StopIteration
        return piece

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class PreparedAnswers:
    """The prepared answers of one data directory.

    Args:
        data: the data directory.
        lineage: that of its versions.
    """

    def __init__(self, data: Path, lineage: str) -> None:
        self._folder = DataDirectory(data).answers
        self._lineage = lineage

    def find(self, query: Query, number: int, most_bytes: int = LARGEST_BYTES) -> Answer | None:
        """The answer to a query over a version, or None where none was prepared.

        One that was prepared in the plain format is rewritten in the first that is wanted.

        Args:
            query: the query.
            number: the version.
            most_bytes: a larger answer counts as none.
        """
        found = self._read(query, number, most_bytes)
        wanted = next(iter(query.media_types), "")
        plain = next((plain for plain, formats in _PLAIN if wanted in formats), wanted)
        if found is not None or plain == wanted:
            return found
        found = self._read(replace(query, media_types=(plain,)), number, most_bytes)
        if found is None:
            return None
        data = rewritten(found.read(), plain, wanted)
        return Answer(wanted, number, len(data), iter((data,)))

    def _read(self, query: Query, number: int, most_bytes: int) -> Answer | None:
        try:
            file = open(self._path(query, number), "rb")  # noqa: SIM115  # the answer closes it
        except OSError:
            return None
        media_type = file.readline()
        length = os.fstat(file.fileno()).st_size - len(media_type)
        if length > most_bytes:
            file.close()
            return None
        return Answer(media_type.decode().rstrip("\n"), number, length, _Pieces(file))

    def keep(self, query: Query, number: int, media_type: str, data: bytes) -> None:
        """Keep the answer to a query over a version.

        Raises:
            OSError: it cannot be written.
            StoreFull: there is no room for it.
        """
        path = Path(self._path(query, number))
        path.parent.mkdir(0o700, parents=True, exist_ok=True)
        write_durably(path, media_type.encode() + b"\n" + data)

    def retain(self, newest: int) -> None:
        """Remove the answers over all versions but the newest and the last one before it."""
        try:
            numbers = {int(name) for name in os.listdir(self._folder)}
        except OSError:
            return
        earlier = max((number for number in numbers if number < newest), default=newest)
        for number in numbers - {newest, earlier}:
            shutil.rmtree(self._folder / str(number), ignore_errors=True)

    def _path(self, query: Query, number: int) -> str:
        """As text: each lookup asks for it, and a `Path` takes longer to make than to look at."""
        key = repr((self._programs, self._lineage, content_of(query)))
        return f"{self._folder}/{number}/{sha256(key.encode()).hexdigest()}"

    @cached_property
    def _programs(self) -> tuple[str, ...]:
        """What may write the same answer otherwise."""
        return tuple(version(name) for name in ("coprod-kg", "pyoxigraph"))
