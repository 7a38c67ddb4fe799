"""Framing of bytes and JSON messages on the sockets and pipes between processes; never pickle.

A frame is four bytes of length (big-endian) and that many bytes. A message is a frame of JSON.
On a socket an answer is a message, then frames of bytes, then an empty frame: a reader that sees
the end of the stream before that frame knows that the writer died, whatever it has sent so far.
On a pipe a message says how many frames of bytes follow it (`write`, `read`).
No pickle: what comes out of a process that a stranger's file may have taken over is data.
"""

import json
import socket
import struct
from collections.abc import Collection, Mapping
from typing import IO, Any, Final

from coprod_kg import errors

__all__ = [
    "END",
    "Stream",
    "error_in",
    "error_message",
    "framed",
    "framed_message",
    "message",
    "raise_error",
    "read",
    "receive",
    "receive_message",
    "send",
    "send_message",
    "write",
]

END = b""
_LENGTH = struct.Struct(">I")
_AHEAD = 1 << 16
_LONGEST_MESSAGE: Final = 1 << 28


def framed(payload: bytes | bytearray) -> bytes:
    """One frame."""
    return _LENGTH.pack(len(payload)) + payload


def framed_message(message: Mapping[str, Any]) -> bytes:
    """One message, as a frame."""
    return framed(json.dumps(message).encode())


def message(frame: bytes) -> dict[str, Any]:
    """The message in a frame."""
    parsed: dict[str, Any] = json.loads(frame)
    return parsed


def send(sock: socket.socket, payload: bytes | bytearray) -> None:
    """Send one frame.

    Raises:
        OSError: the other side is gone.
    """
    sock.sendall(_LENGTH.pack(len(payload)))
    if payload:
        sock.sendall(payload)


def receive(sock: socket.socket) -> bytes:
    """The next frame.

    Raises:
        EOFError: the other side is gone.
        TimeoutError: nothing arrived within the socket's timeout.
    """
    (length,) = _LENGTH.unpack(_exactly(sock, _LENGTH.size))
    return _exactly(sock, length)


def _exactly(sock: socket.socket, count: int) -> bytes:
    buffer = bytearray(count)
    view = memoryview(buffer)
    while view:
        try:
            got = sock.recv_into(view)
        except ConnectionResetError:
            got = 0  # a killed process with unread input resets the connection: an end all the same
        if not got:
            raise EOFError("the other side closed the connection")
        view = view[got:]
    return bytes(buffer)


class Stream:
    """The frames that arrive on a connection; it reads ahead, so it is the only reader."""

    def __init__(self, sock: socket.socket, flags: int = 0) -> None:
        """Read nothing yet.

        Args:
            sock: the connection.
            flags: how to read ahead; with ``MSG_WAITALL`` as much as comes before the end of the
                connection or the socket's timeout, so that its thread is woken once.
        """
        self._sock = sock
        self._flags = flags
        self._buffer = b""

    @property
    def buffered(self) -> int:
        """The number of bytes that were read ahead."""
        return len(self._buffer)

    def feed(self, received: bytes) -> list[bytes] | None:
        """Take some bytes that were read elsewhere, and look whether the answer is whole.

        Nothing is used up: where it is not whole yet, `receive` gives the same frames later.

        Returns:
            The frames in the buffer before `END`, if that is among them; else None.
        """
        self._buffer += received
        payloads, offset = list[bytes](), 0  # where in the buffer the next frame begins
        while offset + _LENGTH.size <= len(self._buffer):
            (length,) = _LENGTH.unpack_from(self._buffer, offset)
            offset += _LENGTH.size
            if not length:
                return payloads
            payloads.append(self._buffer[offset : offset + length])
            offset += length
        return None

    def receive(self) -> bytes:
        """The next frame.

        Raises:
            EOFError: the other side is gone.
            TimeoutError: nothing arrived within the socket's timeout.
        """
        while len(self._buffer) < _LENGTH.size:
            self._buffer += self._some()
        (length,) = _LENGTH.unpack_from(self._buffer)
        end = _LENGTH.size + length
        if len(self._buffer) < end:
            remainder = _exactly(self._sock, end - len(self._buffer))
            frame, self._buffer = self._buffer[_LENGTH.size :] + remainder, b""
        else:
            frame, self._buffer = self._buffer[_LENGTH.size : end], self._buffer[end:]
        return frame

    def message(self) -> dict[str, Any]:
        """The next frame as a message; raises what `receive` raises."""
        return message(self.receive())

    def _some(self) -> bytes:
        try:
            got = self._sock.recv(_AHEAD, self._flags)
        except ConnectionResetError:
            got = b""
        if not got:
            raise EOFError("the other side closed the connection")
        return got


def send_message(sock: socket.socket, message: Mapping[str, Any]) -> None:
    """Send one message."""
    sock.sendall(framed_message(message))


def receive_message(sock: socket.socket) -> dict[str, Any]:
    """The next message.

    Raises:
        EOFError: the other side is gone.
    """
    return message(receive(sock))


def error_message(error: errors.CoprodError) -> dict[str, Any]:
    """An error as a message, so that it is the same error on the other side."""
    return {
        "error": type(error).__name__,
        "what": error.what,
        "where": error.where,
        "fix": error.fix,
    }


def error_in(message: Mapping[str, Any]) -> errors.CoprodError | None:
    """The error that a message carries, or None."""
    name = message.get("error")
    if name is None:
        return None
    kind = getattr(errors, name) if name in errors.__all__ else errors.StoreError
    error: errors.CoprodError = kind(message["what"], where=message["where"], fix=message["fix"])
    return error


def raise_error(message: Mapping[str, Any]) -> None:
    """Raise the error a message carries, if it carries one."""
    error = error_in(message)
    if error is not None:
        raise error


def write(stream: IO[bytes], message: Mapping[str, Any], payloads: Collection[bytes] = ()) -> None:
    """Write a message, and the bytes that go with it, to a pipe or a file."""
    stream.write(framed_message({**message, "payloads": len(payloads)}))
    for payload in payloads:
        stream.write(_LENGTH.pack(len(payload)))
        stream.write(payload)
    stream.flush()


def read(stream: IO[bytes], most_bytes: int) -> tuple[dict[str, Any], list[bytes]] | None:
    """Read a message and its bytes, or None where the stream ends, breaks off or is too long.

    Args:
        stream: a pipe or a file.
        most_bytes: the most bytes that may go with the message.
    """
    frame = _frame(stream, _LONGEST_MESSAGE)
    if frame is None:
        return None
    received = message(frame)
    payloads: list[bytes] = []
    for _ in range(received.pop("payloads")):
        payload = _frame(stream, most_bytes)
        if payload is None:
            return None
        payloads.append(payload)
        most_bytes -= len(payload)
    return received, payloads


def _frame(stream: IO[bytes], most_bytes: int) -> bytes | None:
    length_bytes = stream.read(_LENGTH.size)
    if len(length_bytes) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(length_bytes)
    payload = stream.read(length) if length <= most_bytes else b""
    return payload if len(payload) == length else None
