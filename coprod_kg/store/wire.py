"""How the processes of one service talk over Unix sockets; it knows no SPARQL and no RDF.

A frame is four bytes of length (big-endian) and that many bytes. A message is a frame of JSON.
An answer is a message, then frames of bytes, then an empty frame: whoever sees the end of the
stream before that frame knows that the other side died, whatever it has sent so far.
"""

import json
import socket
import struct
from collections.abc import Mapping
from typing import Any

from coprod_kg import errors

__all__ = [
    "END",
    "error_message",
    "raise_error",
    "receive",
    "receive_message",
    "send",
    "send_message",
]

END = b""
_LENGTH = struct.Struct(">I")


def send(sock: socket.socket, payload: bytes | bytearray | memoryview) -> None:
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
        TimeoutError: nothing came within the socket's timeout.
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
            got = 0
        if not got:
            raise EOFError("the other side closed the connection")
        view = view[got:]
    return bytes(buffer)


def send_message(sock: socket.socket, message: Mapping[str, Any]) -> None:
    """Send one message."""
    send(sock, json.dumps(message).encode())


def receive_message(sock: socket.socket) -> dict[str, Any]:
    """The next message.

    Raises:
        EOFError: the other side is gone.
    """
    message: dict[str, Any] = json.loads(receive(sock))
    return message


def error_message(error: errors.CoprodError) -> dict[str, Any]:
    """An error as a message, so that it is the same error on the other side."""
    return {
        "error": type(error).__name__,
        "what": error.what,
        "where": error.where,
        "fix": error.fix,
    }


def raise_error(message: Mapping[str, Any]) -> None:
    """Raise the error a message carries, if it carries one."""
    name = message.get("error")
    if name is None:
        return
    kind = getattr(errors, name) if name in errors.__all__ else errors.StoreError
    raise kind(message["what"], where=message["where"], fix=message["fix"])
