"""A client with a query that never ends, and how a server gets rid of it; it counts no lookups."""

import http.client
import time
import urllib.parse

from benchmarks import servers
from benchmarks.servers import Server

__all__ = ["Hopeless", "cancelled", "deadline"]

_HOPELESS = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
_PATIENCE = 30.0
_QUIET_SECONDS = 1.0
"""Idle for so long is idle: on a busy machine a process may get no turn for a moment."""


class Hopeless:
    """A client with a query that never ends."""

    def __init__(self, server: Server, seconds: float | None = None) -> None:
        """Send it; ``seconds`` asks the server for an own deadline."""
        where = urllib.parse.urlsplit(server.query)
        self._connection = http.client.HTTPConnection(where.netloc, timeout=_PATIENCE)
        asked = {"query": _HOPELESS, **({"timeout": f"{seconds:g}"} if seconds else {})}
        headers = {"Accept": "application/sparql-results+json"}
        self._connection.request(
            "GET", f"{where.path}?{urllib.parse.urlencode(asked)}", None, headers
        )

    def wait(self) -> int:
        """The status that comes at last."""
        answer = self._connection.getresponse()
        answer.read()
        return answer.status

    def leave(self) -> None:
        """Go away without an answer."""
        self._connection.close()


def cancelled(server: Server, most: float = 15.0) -> float | None:
    """Seconds from the client's leaving until the server computes no more; None for never."""
    asking = Hopeless(server)
    time.sleep(1.5)
    asking.leave()
    left = time.monotonic()
    while time.monotonic() - left < most:
        before = servers.busy_seconds(server.pid)
        time.sleep(_QUIET_SECONDS)
        after = servers.busy_seconds(server.pid)
        if sum(used - before.get(one, used) for one, used in after.items()) < _QUIET_SECONDS / 20:
            return max(0.0, time.monotonic() - left - _QUIET_SECONDS)
    return None


def deadline(server: Server) -> tuple[int | str, float]:
    """The status, and seconds, until a client gets an answer who asked for a deadline of 1 s."""
    started = time.monotonic()
    asking = Hopeless(server, 1)
    try:
        status: int | str = asking.wait()
    except (OSError, http.client.HTTPException) as error:
        status = type(error).__name__
    finally:
        asking.leave()
    return status, time.monotonic() - started
