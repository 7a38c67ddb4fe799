"""Filter that makes the engine's XML well-formed and lossless for every parser.

The engine writes characters that XML 1.0 does not have, carriage returns that every reader turns
into newlines, and, where a predicate has no local name, an element without a name.
"""

import io
import re
from typing import TYPE_CHECKING, Final

from coprod_kg.errors import NotAcceptable

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

__all__ = ["XmlText"]

_NO_CHARACTER: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]")
"""What is no Char of XML 1.0, in UTF-8: control characters, U+FFFE and U+FFFF."""
_NO_NAME: Final = re.compile(rb'<(oxprefix|\w+):[ />](?:xmlns:\1="([^"]*))?')
_LONGEST: Final = 12
"""Bytes at the end of a piece in which the beginning of one of them may stand."""
_FIX: Final = "Ask for another format: JSON holds every row, Turtle and N-Triples every graph."


class XmlText(io.RawIOBase):
    """A file for the engine's XML; `finish` it.

    Args:
        file: where it goes.
    """

    def __init__(self, file: io.RawIOBase) -> None:
        super().__init__()
        self._file = file
        self._held = b""

    def writable(self) -> bool:
        """True, as the engine asks of a file that it writes to."""
        return True

    def write(self, data: "ReadableBuffer", /) -> int:
        """Take some bytes.

        Raises:
            NotAcceptable: they cannot be XML.
        """
        piece = self._held + bytes(data)
        end = max(piece.rfind(b"<", -_LONGEST), piece.rfind(b"\xef", -2))
        end = len(piece) if end < 0 else end
        self._held = piece[end:]
        self._pass(piece[:end])
        return len(memoryview(data))

    def finish(self) -> None:
        """Take no more; raises what `write` raises."""
        self._pass(self._held)
        self._held = b""

    def _pass(self, piece: bytes) -> None:
        if match := _NO_CHARACTER.search(piece):
            code = ord(match[0].decode())
            raise NotAcceptable(
                f"the answer holds the character U+{code:04X}, which XML cannot", fix=_FIX
            )
        if match := _NO_NAME.search(piece):
            called = f" <{match[2].decode()}>" if match[2] else ""
            raise NotAcceptable(
                f"the answer holds a predicate{called} that does not end with a name, which "
                "RDF/XML cannot write",
                fix=_FIX,
            )
        self._file.write(piece.replace(b"\r", b"&#xD;"))
