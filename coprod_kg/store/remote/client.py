"""HTTP client of an engine's SPARQL 1.1 endpoints: query, update, Graph Store.

It is http.client and no library above it: the web processes hold no rdflib, which SPARQLWrapper
brings along, and a deadline has to cover the whole of an answer and not each read of it.
"""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final
from urllib.parse import SplitResult, quote, unquote, urlencode, urlsplit

from coprod_kg.errors import StoreUnavailable, TooLarge, WrongUsage
from coprod_kg.settings import Settings
from coprod_kg.store.base import Cancellation
from coprod_kg.store.remote.engines import EngineKind, kind_of
from coprod_kg.store.remote.failures import failures, refused
from coprod_kg.store.remote.sign_in import SignIn

__all__ = ["LARGE", "Engine", "check_whole"]

_CHUNK: Final = 1 << 16
_CONNECT_SECONDS: Final = 3.0
_IDLE: Final = 16
"""So many connections are kept for the next request."""
LARGE: Final = 8 << 20
"""From so many bytes on a draft is put in without a transaction, where an engine can."""
_N_QUADS: Final = "application/n-quads"
_N_TRIPLES: Final = "application/n-triples"
_TABLE: Final = "application/sparql-results+json"


def check_whole(response: http.client.HTTPResponse) -> None:
    """Refuse a body that was read in pieces and ended before the length in its head.

    `http.client` refuses one only where all is read at once.

    Raises:
        http.client.IncompleteRead: it broke off.
    """
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)


@dataclass(slots=True)
class _Request:
    """A request, and how long its whole answer may take."""

    method: str
    path: str
    body: bytes | None
    headers: dict[str, str]
    seconds: float
    most: int | None = None
    cancellation: Cancellation | None = None
    signed: bool = False


@dataclass(slots=True)
class Engine:
    """The endpoints of one dataset.

    Attributes:
        address: of the dataset, parsed.
        kind: what engine it is.
        authorisation: the value of the header Authorization, or None.
        sign_in: user and password in place of it, or None.
    """

    address: SplitResult
    kind: EngineKind
    authorisation: str | None = None
    sign_in: SignIn | None = None
    _idle: list[http.client.HTTPConnection] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, settings: Settings) -> "Engine | None":
        """The engine of the settings, or None where the store is the embedded one.

        Raises:
            WrongUsage: it has no such address, or cannot be paired.
        """
        if not settings.store:
            return None
        address = urlsplit(settings.store.rstrip("/"))
        if address.scheme not in ("http", "https") or not address.hostname:
            raise WrongUsage(
                f"{settings.store!r} is not the address of an engine",
                where="setting store",
                fix="Write for example http://127.0.0.1:3030/kg",
            )
        authorisation = sign_in = None
        if settings.store_token:
            authorisation = f"Bearer {settings.store_token}"
        elif address.username:
            user, password = unquote(address.username), unquote(address.password or "")
            sign_in = SignIn(user, password, basic=address.scheme == "https")
        return cls(address, kind_of(settings.store_engine), authorisation, sign_in)

    @property
    def url(self) -> str:
        """Its address as it may be shown: without user and password."""
        host = self.address.netloc.rpartition("@")[2]
        return f"{self.address.scheme}://{host}{self.address.path}"

    def __del__(self) -> None:
        """Close the connections that are kept: who asks through it has no moment to."""
        while self._idle:
            self._idle.pop().close()

    def query(
        self,
        text: str,
        media_type: str = _TABLE,
        dataset: tuple[tuple[str, str], ...] = (),
        seconds: float = 30.0,
        most: int | None = None,
        cancellation: Cancellation | None = None,
    ) -> bytes:
        """The whole answer to a query.

        Args:
            text: SPARQL 1.1 query.
            media_type: of the answer.
            dataset: parameters of the protocol that name the dataset.
            seconds: the deadline of the whole.
            most: how many bytes are taken.
            cancellation: the client's.

        Raises:
            QueryTimeout: the deadline passed.
            TooLarge: the answer is longer than `most`.
            StoreUnavailable: nobody answers, or the answer broke off.
            StoreError: it was refused.
        """
        fields: list[tuple[str, str]] = [
            ("query", self.kind.spelt(text.encode()).decode()),
            *dataset,
        ]
        if self.kind.deadline:
            fields.append((self.kind.deadline, f"{seconds:g}"))
        request = _Request(
            "POST",
            self._path(self.kind.query),
            urlencode(fields).encode(),
            {"Content-Type": "application/x-www-form-urlencoded", "Accept": media_type},
            seconds,
            most,
            cancellation,
        )
        return self._read_again(request)

    def update(self, text: str, seconds: float = 60.0) -> None:
        """Carry an update out; whatever is raised, it may have been carried out all the same."""
        headers = {"Content-Type": "application/sparql-update"}
        body = self.kind.spelt(text.encode())
        self._once(_Request("POST", self._path(self.kind.update), body, headers, seconds))

    def graph(self, graph: str, seconds: float = 600.0) -> bytes:
        """A graph as N-Triples; nothing where it is not there."""
        path = self._path(self.kind.graphs, {"graph": graph})
        request = _Request("GET", path, None, {"Accept": _N_TRIPLES}, seconds)
        return self._read_again(request)

    def put(self, graph: str, triples: bytes, seconds: float = 600.0) -> None:
        """Replace a graph that nobody reads yet."""
        loading = self.kind.loading if len(triples) > LARGE else {}
        path = self._path(self.kind.graphs, {"graph": graph, **loading})
        body = self.kind.spelt(triples)
        self._once(_Request("PUT", path, body, {"Content-Type": _N_TRIPLES}, seconds))

    def add(self, quads: bytes, seconds: float = 600.0) -> None:
        """Add N-Quads, all or nothing."""
        path = self._path(self.kind.graphs)
        body = self.kind.spelt(quads)
        self._once(_Request("POST", path, body, {"Content-Type": _N_QUADS}, seconds))

    def _path(self, endpoint: str, parameters: Mapping[str, str] | None = None) -> str:
        tail = "&".join(
            f"{name}={quote(value, safe='')}" if value else name
            for name, value in (parameters or {}).items()
        )
        return f"{self.address.path}/{endpoint}{f'?{tail}' if tail else ''}"

    def _read_again(self, request: _Request) -> bytes:
        """Send what may be sent twice, on a kept connection; on a new one where that was closed."""
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        if connection is not None:
            try:
                return self._send(connection, request)
            except StoreUnavailable:
                if request.cancellation is not None and request.cancellation.cancelled:
                    raise
        return self._once(request)

    def _once(self, request: _Request) -> bytes:
        if len(request.body or b"") > _CHUNK and not request.signed:
            self._renew_nonce()
        return self._send(self._connection(), request)

    def _renew_nonce(self) -> None:
        """Ask for a nonce before a long body: one whose nonce is old is refused unread.

        The engine closes the connection then, and its answer with another nonce is lost. Jetty,
        which carries Fuseki, gives a nonce a minute.
        """
        if self.sign_in is not None and self.sign_in.is_digest:
            with self.sign_in.renewal():
                self.query("ASK {}")

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self.address.hostname or "", self.address.port
        if self.address.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(
                host, port, timeout=_CONNECT_SECONDS, context=context
            )
        return http.client.HTTPConnection(host, port, timeout=_CONNECT_SECONDS)

    def _send(self, connection: http.client.HTTPConnection, request: _Request) -> bytes:
        """The whole answer; the connection is kept only where all went well."""
        headers = {**request.headers, "User-Agent": "coprod-kg"}
        authorisation = self.authorisation
        if self.sign_in is not None:
            authorisation = self.sign_in.header(request.method, request.path)
        if authorisation:
            headers["Authorization"] = authorisation
        end = time.monotonic() + request.seconds
        whole = False
        try:
            with failures(self.url, end, request.seconds):
                if connection.sock is None:
                    connection.connect()
                sock = connection.sock
                if request.cancellation is not None:
                    request.cancellation.on_cancel(partial(_disconnect, sock))
                sock.settimeout(max(0.001, end - time.monotonic()))
                connection.request(request.method, request.path, request.body, headers)
                response = connection.getresponse()
                pieces, size = list[bytes](), 0
                while True:
                    sock.settimeout(max(0.001, end - time.monotonic()))
                    piece = response.read(_CHUNK)
                    if not piece:
                        break
                    pieces.append(piece)
                    size += len(piece)
                    if request.most is not None and size > request.most:
                        raise TooLarge("the engine's answer is longer than is taken at once")
                check_whole(response)
            body: bytes | None = b"".join(pieces)
            if response.status == http.client.UNAUTHORIZED and self._may_sign_in(
                request, response, authorisation
            ):
                whole, body = not response.will_close, None
            elif response.status == http.client.NOT_FOUND and request.method == "GET":
                whole, body = not response.will_close, b""  # no such graph
            elif response.status >= http.client.MULTIPLE_CHOICES:
                raise refused(self.url, response.status, b"".join(pieces))
            else:
                whole = not response.will_close
        finally:
            with self._lock:
                if whole and len(self._idle) < _IDLE and request.cancellation is None:
                    self._idle.append(connection)
                else:
                    connection.close()
        if body is None:  # nothing was done, so an update is sent once more too
            left = max(0.001, end - time.monotonic())
            return self._once(replace(request, seconds=left, signed=True))
        return body

    def _may_sign_in(
        self, request: _Request, response: http.client.HTTPResponse, sent: str | None
    ) -> bool:
        """Whether a request that was not let in is sent again, as the engine asks for it."""
        if self.sign_in is None or request.signed:
            return False
        return self.sign_in.challenged(response.headers.get_all("WWW-Authenticate") or (), sent)


def _disconnect(connection: socket.socket) -> None:
    """End what a thread waits for on a connection; to close it would not wake the thread."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
