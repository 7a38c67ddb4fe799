"""The socket to a client, found among the files of this process; it never reads or writes it.

The HTTP server keeps its sockets to itself and ends a body as if it were whole when whoever
makes it fails. So an answer that fails midway is cut off where it can be: at the socket.
"""

import os
import socket
from contextlib import suppress

__all__ = ["cut", "find", "give_up_after"]

_FILES = "/dev/fd"


def find(peer: str) -> socket.socket | None:
    """A copy of the socket to a client, or None where there is none.

    Args:
        peer: address and port of the client, as ``127.0.0.1:51234`` or ``[::1]:51234``.
    """
    address, _, port = peer.rpartition(":")
    wanted = (address.strip("[]"), int(port)) if port.isdigit() else None
    for name in os.listdir(_FILES) if wanted else ():
        copy = _copy(int(name))
        if copy is None:
            continue
        with suppress(OSError):
            if copy.getpeername()[:2] == wanted:
                return copy
        copy.close()
    return None


def give_up_after(seconds: float) -> None:
    """Have the kernel break off clients that take nothing of what is on its way to them.

    An answer that was handed over whole waits in the kernel and the HTTP server, which wait for
    ever. The option is set where this process listens, and each connection taken in has it too.

    Args:
        seconds: how long a client may take nothing.
    """
    option: int | None = getattr(socket, "TCP_USER_TIMEOUT", None)
    if option is None:  # a kernel that has no such clock
        return
    for name in os.listdir(_FILES):
        copy = _copy(int(name))
        if copy is not None:
            with copy, suppress(OSError):  # not every socket is TCP
                copy.setsockopt(socket.IPPROTO_TCP, option, round(seconds * 1000))


def _copy(descriptor: int) -> socket.socket | None:
    try:
        number = os.dup(descriptor)
    except OSError:
        return None  # closed meanwhile
    try:
        return socket.socket(fileno=number)
    except OSError:  # it is no socket
        os.close(number)
        return None


def cut(connection: socket.socket) -> None:
    """Break a connection off: its client sees that what it has is not the whole."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
