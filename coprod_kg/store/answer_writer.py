"""Writer of an answer to a worker's connection: small answers whole, large ones streamed."""

import io
import socket
from typing import TYPE_CHECKING

from coprod_kg.errors import CoprodError
from coprod_kg.sandbox import wire

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

__all__ = ["AnswerWriter"]

_WHOLE = 1 << 20
"""Up to this many bytes an answer is sent whole, with its length."""
_CHUNK = 1 << 16


class AnswerWriter(io.RawIOBase):
    """A file that the engine writes an answer to, and that sends it in frames.

    As long as nothing has been sent, an error replaces the answer. After that an error can only
    break the connection off, so that the other side knows that the answer is not whole.
    """

    def __init__(self, connection: socket.socket) -> None:
        super().__init__()
        self._connection = connection
        self._buffer = bytearray()
        self._head: dict[str, object] = {}
        self._started = False

    def writable(self) -> bool:
        """True, as the engine asks of a file that it writes to."""
        return True

    def begin(self, media_type: str, version: int) -> None:
        """Set the head: media type and version of the answer that follows."""
        self._head = {"media_type": media_type, "version": version}

    def write(self, data: "ReadableBuffer", /) -> int:
        """Take some bytes of the answer."""
        self._buffer += data
        if len(self._buffer) >= (_CHUNK if self._started else _WHOLE):
            self._send(length=None)
        return len(memoryview(data))

    def end(self) -> None:
        """Send what is left; the answer is whole."""
        self._send(None if self._started else len(self._buffer), wire.framed(wire.END))

    def fail(self, error: CoprodError) -> None:
        """Send an error in place of the answer.

        Raises:
            ConnectionAbortedError: part of the answer was sent already.
        """
        if self._started:
            raise ConnectionAbortedError(str(error))
        frame = wire.framed_message(wire.error_message(error))
        self._connection.sendall(frame + wire.framed(wire.END))

    def _send(self, length: int | None, after: bytes = b"") -> None:
        head = b"" if self._started else wire.framed_message({**self._head, "length": length})
        self._started = True
        body = wire.framed(self._buffer) if self._buffer else b""
        self._buffer.clear()
        self._connection.sendall(b"".join((head, body, after)))
