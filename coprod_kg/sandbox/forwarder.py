"""Stand-in for a child that a fork server forks: passes its streams on, and ends as the child ends.

Its parent waits for this process and kills it as if it were the child, and reads the child's exit
status from it. Where no server takes the streams, it becomes the child itself, the slow way.

Standard library only; run by its path with ``-I -S``, so that it starts in milliseconds.
Usage: forwarder.py LINK COMMAND…, where LINK is the number of a socket.
"""

import os
import resource
import signal
import socket
import sys

STATUS_BYTES = 4


def main(number: str, *command: str) -> None:
    """Hand the three standard streams to the server at the other end of a socket, and wait."""
    link = socket.socket(fileno=int(number))
    try:
        socket.send_fds(link, [b"."], [0, 1, 2])
        accepted = link.recv(1)
    except OSError:
        accepted = b""
    if not accepted:
        os.execv(command[0], command)  # noqa: S606  # what would have been run without a server
    os.closerange(0, 3)  # so that the streams end when the child ends
    status_bytes = link.recv(STATUS_BYTES)
    status = int.from_bytes(status_bytes, "big", signed=True) if status_bytes else -signal.SIGKILL
    if status < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.kill(os.getpid(), -status)
    os._exit(status)


if __name__ == "__main__":
    main(*sys.argv[1:])
