"""A client on a slow line that reads one large answer to its end.

    python -m benchmarks.slow_line http://127.0.0.1:8000 [MEGABYTES] [MEGABYTES_A_SECOND]

It takes the bytes of a real socket at an even pace (140 MB at 1.5 MB/s by default, the pace of a
weak line), says whether the answer came whole, and asks a lookup beside it, which must not wait.
"""

import argparse
import socket
import time
from urllib.parse import quote, urlsplit

__all__ = ["main", "read"]

_ROW = 146
"""Bytes of a row of the example data, about."""
_PIECE = 1 << 16
_END = b"\r\n0\r\n\r\n"


def read(address: str, megabytes: float, pace: float) -> tuple[int, bool, float, float]:
    """Read an answer of about so many megabytes at so many a second.

    Returns:
        Its bytes, whether its proper end came, the seconds that it took, and those of the slowest
        lookup meanwhile.
    """
    limit = round(megabytes * 1e6 / _ROW)
    text = f"SELECT ?a ?b {{ ?a ?p ?x . ?b ?q ?y }} LIMIT {limit}"
    started = time.monotonic()
    taken, tail, slowest, looked = 0, b"", 0.0, started
    with _asked(address, text, 4 * _PIECE) as connection:
        while piece := connection.recv(_PIECE):
            taken, tail = taken + len(piece), (tail + piece)[-len(_END) :]
            if time.monotonic() - looked > 5:
                looked = time.monotonic()
                with _asked(address, f"ASK {{ ?s ?p {taken} }}", _PIECE) as other:
                    while other.recv(_PIECE):
                        pass
                slowest = max(slowest, time.monotonic() - looked)
            time.sleep(max(0.0, started + taken / (pace * 1e6) - time.monotonic()))
    return taken, tail == _END, time.monotonic() - started, slowest


def _asked(address: str, text: str, buffer: int) -> socket.socket:
    where = urlsplit(address)
    connection = socket.socket()
    # A large buffer of the kernel would read ahead of the line.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    connection.settimeout(120)
    connection.connect((where.hostname or "", where.port or 80))
    head = f"GET /sparql?query={quote(text)} HTTP/1.1\r\nHost: {where.netloc}\r\n"
    head += "Accept: text/tab-separated-values, */*;q=0.1\r\nConnection: close\r\n\r\n"
    connection.sendall(head.encode())
    return connection


def main() -> None:
    """Read, and say what came."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("megabytes", nargs="?", type=float, default=140.0)
    parser.add_argument("pace", nargs="?", type=float, default=1.5)
    given = parser.parse_args()
    taken, whole, seconds, slowest = read(given.address, given.megabytes, given.pace)
    came = "whole" if whole else "cut off"
    print(f"{taken / 1e6:.1f} MB came {came} in {seconds:.0f} s; slowest lookup {slowest:.3f} s")


if __name__ == "__main__":
    main()
