"""Local proxy through which the engine of a query or update makes its SERVICE calls.

It asks the endpoint, follows no redirect, reads the whole answer within its time, and gives the
engine an answer that is whole or the status 502.
"""

import secrets
import threading
import urllib.request
from collections import deque
from collections.abc import Callable, Sequence
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, SimpleQueue
from typing import Final
from urllib.error import HTTPError, URLError

import pyoxigraph as ox

from coprod_kg.errors import ServiceFailed

__all__ = ["ServiceProxy"]

_ACCEPT: Final = "application/sparql-results+json, application/sparql-results+xml;q=0.9"
_FORMATS: Final = (ox.QueryResultsFormat.JSON, ox.QueryResultsFormat.XML)
_MOST: Final = 64 << 20
"""No answer of an endpoint may be larger, in bytes."""
_LATE: Final = "did not answer within {:g} seconds"


class ServiceProxy(ThreadingHTTPServer):
    """Forward proxy for the SERVICE calls of this process's engine.

    A path without its secret, an endpoint that may not be called, a failed call: all are
    answered 502.

    Args:
        endpoints: each with its address, or None where it may not be called, and whether a
            failure is to be silent.
        seconds: how long an endpoint may take for one whole answer.
        note: is told of each failure that is not silent.
    """

    daemon_threads = True
    block_on_close = False  # an endpoint that does not answer holds nobody up

    def __init__(
        self,
        endpoints: Sequence[tuple[str | None, bool]],
        seconds: float,
        note: Callable[[ServiceFailed], None],
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self._secret = secrets.token_hex(16)
        self._endpoints = endpoints
        self._seconds = seconds
        self._note = note

    def address(self, number: int) -> str:
        """Where the engine calls an endpoint."""
        return f"http://127.0.0.1:{self.server_port}/{self._secret}/{number}"

    def forward(self, path: str, query: bytes) -> tuple[str, bytes] | None:
        """The media type and body of an endpoint's answer; None where it is refused or fails."""
        secret, _, number = path.lstrip("/").partition("/")
        if not secrets.compare_digest(secret.encode(), self._secret.encode()):
            return None
        endpoint, silent = self._endpoints[int(number)]
        if endpoint is None:
            return None
        try:
            return _fetch_within(endpoint, query, self._seconds)
        except ServiceFailed as error:
            if not silent:
                self._note(error)
            return None


class _Handler(BaseHTTPRequestHandler):
    """One call of the engine."""

    server: ServiceProxy

    def do_POST(self) -> None:
        """Answer what the engine asks."""
        query = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        reply = self.server.forward(self.path, query)
        kind, data = reply or ("text/plain", b"")
        self.send_response(200 if reply else 502)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Write nothing: the client is told of errors."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Refuses redirects: an endpoint that is allowed must not lead to one that is not."""

    def redirect_request(self, *_: object) -> None:
        """Follow no redirect: its status is an error like any other."""


def _fetch_within(endpoint: str, query: bytes, seconds: float) -> tuple[str, bytes]:
    """The answer of an endpoint, asked in a thread: a name may take its time to be looked up."""
    outcome = SimpleQueue[tuple[str, bytes] | ServiceFailed]()

    def ask() -> None:
        try:
            outcome.put(_asked(endpoint, query, seconds))
        except ServiceFailed as error:
            outcome.put(error)
        except MemoryError:
            outcome.put(_failed(endpoint, "answered with more than this query has memory for"))

    # The socket's timeout begins anew with each read; this one bounds the whole answer.
    threading.Thread(target=ask, daemon=True).start()
    try:
        reply = outcome.get(timeout=seconds)
    except Empty:
        raise _failed(endpoint, _LATE.format(seconds)) from None
    if isinstance(reply, ServiceFailed):
        raise reply
    return reply


def _asked(endpoint: str, query: bytes, seconds: float) -> tuple[str, bytes]:
    # No proxy from the environment either: the allowed endpoint itself is asked.
    opener = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))
    headers = {
        "Content-Type": "application/sparql-query",
        "Accept": _ACCEPT,
        "User-Agent": "coprod-kg",
    }
    try:
        asking = urllib.request.Request(endpoint, query, headers)  # noqa: S310 - an allowed IRI
        with opener.open(asking, timeout=seconds) as reply:
            kind = reply.headers.get_content_type()
            data = reply.read(_MOST + 1)
            missing = reply.length  # a read of so many bytes does not tell of an early end
    except HTTPError as error:
        moved = error.headers.get("Location")
        redirect = f" and leads to {moved[:200]}, which is not followed" if moved else ""
        raise _failed(endpoint, f"answered with status {error.code}{redirect}") from None
    except URLError as error:
        late = isinstance(error.reason, TimeoutError)
        what = _LATE.format(seconds) if late else f"cannot be reached: {error.reason}"
        raise _failed(endpoint, what) from None
    except TimeoutError:
        raise _failed(endpoint, _LATE.format(seconds)) from None
    except (OSError, ValueError, HTTPException) as error:
        raise _failed(endpoint, f"gave no whole answer: {error}") from None
    if len(data) > _MOST:
        raise _failed(endpoint, f"answered with more than {_MOST >> 20} MiB")
    if missing:
        raise _failed(endpoint, f"broke off {missing} bytes before the end of its answer")
    form = ox.QueryResultsFormat.from_media_type(kind)
    if form not in _FORMATS:
        raise _failed(endpoint, f"answered with {kind}, which holds no rows")
    try:
        rows = ox.parse_query_results(data, form)
        if isinstance(rows, ox.QueryBoolean):
            raise _failed(endpoint, "answered with a truth value, not with rows")
        deque(rows, maxlen=0)  # read to the end: a bad row would end the query, even if SILENT
    except (SyntaxError, ValueError, TypeError) as error:
        raise _failed(endpoint, f"answered with rows that cannot be read: {error}") from None
    return kind, data


def _failed(endpoint: str, what: str) -> ServiceFailed:
    return ServiceFailed(
        f"the service <{endpoint}> {what}",
        fix="Ask again later, or write SERVICE SILENT to go on without its answer. The time an "
        "endpoint has is the setting service-seconds.",
    )
