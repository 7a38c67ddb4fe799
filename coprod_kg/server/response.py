"""The application's response, as the server sends it: whole, or its beginning and the rest."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from coprod_kg.errors import CoprodError
from coprod_kg.web.errors import kind_of

__all__ = ["Pairs", "Response"]

_FIRST: Final = 1 << 17
"""Up to this many bytes a body of unknown length is sent whole."""
_WHOLE: Final = 4 << 20
"""Up to this many bytes a body of known length is sent whole."""
Pairs: TypeAlias = list[tuple[str, str]]


@dataclass(slots=True)
class Response:
    """The application's response: its whole body, or its beginning and an iterator of the rest."""

    status: int = 500
    headers: Pairs = field(default_factory=list)
    first: bytes = b""
    rest: Iterator[bytes] | None = None
    outcome: str = ""
    """The kind of error that cut it off after its beginning; empty where none did."""

    close: Callable[[], object] = tuple  # called without arguments it does nothing

    def start(
        self, status: str, headers: Pairs, exc_info: object = None
    ) -> Callable[[bytes], None]:
        """WSGI's ``start_response`` (PEP 3333)."""
        self.status, self.headers = int(status[:3]), headers
        return _no_write

    @property
    def length(self) -> int | None:
        """Bytes of the whole body, where that is known."""
        stated = next((int(text) for name, text in self.headers if name == "Content-Length"), None)
        return stated if stated is not None or self.rest is not None else len(self.first)

    def pieces(self) -> Iterator[bytes]:
        """The whole body."""
        return itertools.chain((self.first,), self.rest or ())

    def replace_body(self, pieces: Iterator[bytes]) -> None:
        """Send these pieces in place of the body."""
        if self.rest is None:
            self.first = b"".join(pieces)
        else:
            self.first, self.rest = b"", pieces

    def take_body(self, chunks: Iterable[bytes], method: str) -> None:
        """Take the beginning of the body, or all of one that is small.

        One that fails so early is sent as an empty body that never ends: with the application's
        status, which no longer holds, a client must not take it for whole.
        """
        self.close = getattr(chunks, "close", tuple)
        length = next(
            (int(value) for name, value in self.headers if name == "Content-Length"), None
        )
        read_whole = method == "HEAD" or (length is not None and length <= _WHOLE)
        pieces, beginning = iter(chunks), bytearray()
        try:
            for piece in pieces:
                beginning += piece
                if not read_whole and len(beginning) > _FIRST:
                    self.rest = pieces
                    break
        except CoprodError as error:
            beginning, self.outcome = bytearray(), kind_of(error)
        finally:
            if self.rest is None:
                self.close()
        self.first = bytes(beginning)


def _no_write(data: bytes) -> None:
    """WSGI's ``write`` callable (PEP 3333), which Flask does not use."""
    raise NotImplementedError
