"""The ASGI application that granian runs: calls the WSGI application in threads.

A request body is read whole before the application is called: half a body changes nothing. Each
piece of an answer is sent when the client has taken the one before. An answer that fails midway
ends without its last chunk, and a client that leaves has its query stopped.
"""

import asyncio
import io
import json
import os
import socket
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any, Final, TypeAlias

from coprod_kg.errors import CoprodError, LimitReached, Overloaded
from coprod_kg.server.body_coding import (
    GzipCache,
    RangeRefused,
    gzip_headers,
    gzip_stream,
    is_compressible,
    requested_range,
    takes_gzip,
)
from coprod_kg.server.fast_lookup import BODY_HEADERS, QUICK_PATH, FastLookup
from coprod_kg.server.request import BrokenOff, Head, Receive, client_of, read_body, read_head
from coprod_kg.server.response import Pairs, Response
from coprod_kg.settings import Settings
from coprod_kg.web.client_slots import Client, client
from coprod_kg.web.errors import document, kind_of
from coprod_kg.web.headers import common
from coprod_kg.web.request_log import KEY, RequestLog, record

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

__all__ = ["HttpServer"]

_DOCUMENTS: Final = "/doc/"
_WAITING: Final = BODY_HEADERS | {"authorization", "accept-datetime", "accept-profile"}
"""Headers for which a document is a thread's work: a secret is compared then, a version looked for,
other words put together, or a body read."""
_SWEEP_SECONDS: Final = 0.1
_QUEUED: Final = 2
"""Requests under way at once, as a multiple of the threads; more are refused at once."""
_PIECE: Final = 1 << 16
"""Bytes sent at once of a body that is not sent whole."""
_SOON: Final = 1 << 13
"""Below this many bytes a body is compressed in the event loop."""
_ENVIRON: Final[dict[str, Any]] = {
    "SCRIPT_NAME": "",
    "wsgi.version": (1, 0),
    "wsgi.input_terminated": True,
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
}

Send: TypeAlias = Callable[[dict[str, Any]], Awaitable[None]]


class HttpServer:
    """A WSGI application as an ASGI application.

    Args:
        app: the application.
        settings: the limits.
        quick: answers short queries without the application.
    """

    def __init__(
        self, app: "WSGIApplication", settings: Settings, quick: FastLookup | None = None
    ) -> None:
        self._app = app
        self._settings = settings
        self._lookups = quick
        self._threads = ThreadPoolExecutor(settings.web_threads, "request")
        # a quarter of the room of the answers
        self._gzip_cache = GzipCache(settings.cache_mb << 18)
        self._clients: Counter[Client] = Counter()
        self._under_way: dict[RequestLog, Receive] = {}
        self._sweeper: asyncio.Task[None] | None = None

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self._sweeper is None:
            _give_up_after(self._settings.reader_seconds)
            self._sweeper = asyncio.get_running_loop().create_task(self._sweep())
        log = RequestLog(scope["method"], scope["path"], scope["client"][0])
        try:
            head = read_head(scope)
            log.client = client_of(log.client, head, self._settings.trust_proxies)
            body = await read_body(head, receive, self._settings, self._threads)
            self._check_room(client(log.client))
        except CoprodError as error:
            await self._refuse(send, log, error)
        else:
            await self._work(head, body, log, receive, send)

    async def _work(
        self, head: Head, body: IO[bytes], log: RequestLog, receive: Receive, send: Send
    ) -> None:
        sender = client(log.client)
        self._clients[sender] += 1
        self._under_way[log] = receive
        try:
            lookup = self._lookups if head.path == QUICK_PATH else None
            looked_up = await lookup.answer(head, log) if lookup else None
            at_once = Response(*looked_up) if looked_up else self._document(head, log)
            loop = asyncio.get_running_loop()
            if at_once is None:
                answer = await loop.run_in_executor(self._threads, self._run, head, body, log)
            elif len(at_once.first) < _SOON or not takes_gzip(head):
                answer = self._range_or_gzip(head, at_once, log)
            else:  # compression takes a while
                answer = await loop.run_in_executor(
                    self._threads, self._range_or_gzip, head, at_once, log
                )
            await self._send(answer, log, send)
        finally:
            if log.pending is not None:
                log.pending.close()
            del self._under_way[log]
            self._clients[sender] -= 1
            if not self._clients[sender]:
                del self._clients[sender]

    def _document(self, head: Head, log: RequestLog) -> Response | None:
        """The document of a thing, where the application need not wait for it; else None.

        It takes as long as a few lookups, and half as long as in a thread: beside the event loop
        threads wait for the interpreter more than they work.
        """
        if self._lookups is None or not head.path.startswith(_DOCUMENTS) or head.method != "GET":
            return None
        if head.scope["query_string"] or not _WAITING.isdisjoint(head.headers):
            return None
        if not self._lookups.sees_all:
            return None
        log.in_loop = True
        answer = self._called(head, io.BytesIO(), log)
        log.in_loop = False
        if log.needs_thread:
            answer.close()
            return None
        return answer

    def _run(self, head: Head, body: IO[bytes], log: RequestLog) -> Response:
        """In a thread: run the application, and take what it answers or the beginning of it."""
        answer = self._called(head, body, log)
        return answer if answer.outcome else self._range_or_gzip(head, answer, log)

    def _called(self, head: Head, body: IO[bytes], log: RequestLog) -> Response:
        """What the application answers."""
        answer = Response()
        with body:
            environ = {**_ENVIRON, **head.environ(), "REMOTE_ADDR": log.client}
            # With the log entry of the request, so that the application writes into it too.
            environ |= {"wsgi.input": body, KEY: log}
            answer.take_body(self._app(environ, answer.start), head.method)
        return answer

    def _range_or_gzip(self, head: Head, answer: Response, log: RequestLog) -> Response:
        """The range of an answer that a client asks for, or all, compressed where it takes gzip."""
        length, headers = answer.length, answer.headers
        if answer.status == 200 and length is not None and head.method in ("GET", "HEAD"):
            try:
                range_part = requested_range(head, headers, length, answer.pieces())
            except RangeRefused as error:
                answer.close()
                log.outcome = kind_of(error)
                range_headers = [("Content-Range", f"bytes */{length}")]
                return Response(*_refusal(error, log, range_headers, self._settings.prefix))
            if ("Accept-Ranges", "bytes") not in headers:  # files have it already
                answer.headers = [*headers, ("Accept-Ranges", "bytes")]
            if range_part is not None:
                answer.status = 206
                answer.headers, pieces = range_part
                answer.replace_body(pieces)
                return answer
        if answer.status == 304 or is_compressible(answer.status, headers, length):
            answer.headers = [*answer.headers, ("Vary", "Accept-Encoding")]
            if answer.status != 304 and takes_gzip(head):
                answer.headers = gzip_headers(answer.headers)
                if answer.rest is not None:
                    answer.replace_body(gzip_stream(answer.pieces()))
                elif head.method != "HEAD":
                    answer.first = self._gzip_cache.compressed(answer.first)
        return answer

    async def _send(self, answer: Response, log: RequestLog, send: Send) -> None:
        """Send an answer.

        A body that fails midway is sent without its last chunk, so that the client sees that it is
        truncated.
        """
        log.status = answer.status
        start = _start(answer.status, answer.headers)
        if answer.rest is None:
            log.sent = len(answer.first)
            self._note(log, answer.outcome)
            await send(start)
            await send(_body(answer.first, more=bool(answer.outcome)))
            return
        # With the status sent, leaving out the last chunk is the only sign of a failure; of
        # granian's interfaces only ASGI ends an answer like that.
        await send(start)
        outcome = "fault"
        try:
            await self._stream(answer.first, answer.rest, log, send)
            outcome = ""
        except CoprodError as error:
            outcome = kind_of(error)
        finally:
            await asyncio.get_running_loop().run_in_executor(self._threads, answer.close)
            self._note(log, outcome)
        if not outcome:
            await send(_body(b""))

    async def _stream(
        self, beginning: bytes, rest: Iterator[bytes], log: RequestLog, send: Send
    ) -> None:
        """Send piece by piece, as fast as the client takes them; no thread waits for it.

        Raises:
            LimitReached: the client took nothing for too long, or too little all the time.
        """
        loop, settings = asyncio.get_running_loop(), self._settings
        chunk: bytes | None = beginning
        waited = 0.0
        while chunk is not None and not log.cancellation.cancelled:
            for offset in range(0, len(chunk), _PIECE):
                piece, began = chunk[offset : offset + _PIECE], loop.time()
                try:
                    async with asyncio.timeout(settings.reader_seconds):
                        await send(_body(piece, more=True))
                except TimeoutError:
                    raise LimitReached(
                        f"the client took nothing of the answer for {settings.reader_seconds:g} "
                        "seconds",
                        fix="Read it faster. The limit is the setting reader-seconds.",
                    ) from None
                waited += loop.time() - began
                log.sent += len(piece)
                if waited > settings.reader_seconds + log.sent / settings.reader_rate:
                    raise LimitReached(
                        f"the client took less than {settings.reader_rate} bytes of the answer a "
                        "second",
                        fix="Read it faster. The limit is the setting reader-rate.",
                    )
            chunk = await loop.run_in_executor(self._threads, next, rest, None)

    def _note(self, log: RequestLog, outcome: str) -> None:
        if log.cancellation.cancelled:
            log.outcome = "left"
        elif outcome:
            log.outcome = outcome
        record(log, self._settings)

    async def _refuse(self, send: Send, log: RequestLog, error: CoprodError) -> None:
        """A problem document without the application, which has no thread for it."""
        log.outcome = "left" if isinstance(error, BrokenOff) else kind_of(error)
        refusal = _refusal(error, log, [], self._settings.prefix)
        await self._send(Response(*refusal), log, send)

    def _check_room(self, sender: Client) -> None:
        """Refuse a request that would wait for too many others.

        Raises:
            Overloaded: too many requests are under way, of this client or in all.
        """
        most_requests = self._settings.client_requests
        if self._clients[sender] >= most_requests:
            raise Overloaded(
                f"{most_requests} requests of this client are under way",
                fix="Wait for their answers first. The limit is the setting client-requests.",
            )
        if len(self._under_way) >= _QUEUED * self._settings.web_threads:
            raise Overloaded(
                f"{len(self._under_way)} requests are under way",
                fix="Try again in a moment. The limit comes from the setting web-threads.",
            )

    async def _sweep(self) -> None:
        """Watch requests that take longer than a moment, to notice a client that leaves."""
        watched: dict[RequestLog, asyncio.Task[None]] = {}
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            for ended_log in watched.keys() - self._under_way.keys():
                watched.pop(ended_log).cancel()
            moment = time.monotonic() - _SWEEP_SECONDS
            if self._lookups is not None:
                self._lookups.give_up(moment)
            for log, receive in list(self._under_way.items()):
                if log.started < moment and log not in watched:
                    watched[log] = asyncio.create_task(_watch(log, receive))


async def _watch(log: RequestLog, receive: Receive) -> None:
    """Wait until the client leaves; the rest of its body, or more than it may, is passed over."""
    while (await receive())["type"] != "http.disconnect":
        pass
    log.cancellation.cancel()


def _refusal(
    error: CoprodError, log: RequestLog, extra_headers: Pairs, prefix: str
) -> tuple[int, Pairs, bytes]:
    """Status, headers and body of a problem document."""
    kind = "application/problem+json"
    headers = [("Content-Type", kind), ("Cache-Control", "no-store"), *extra_headers]
    headers += [("Retry-After", str(error.retry_after))] if error.retry_after else []
    headers += [("Accept-Encoding", "gzip")] if error.status == 415 else []
    text = json.dumps(document(error), ensure_ascii=False, indent=2) + "\n"
    return error.status, [*headers, *common(log, error.status, kind, prefix)], text.encode()


def _start(status: int, headers: Pairs) -> dict[str, Any]:
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    return {"type": "http.response.start", "status": status, "headers": raw}


def _body(data: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": more}


def _give_up_after(seconds: float) -> None:
    """Have the kernel close connections whose clients take nothing (``TCP_USER_TIMEOUT``).

    The last bytes of an answer wait in the HTTP server and the kernel, which wait for ever. The
    option is set on the listening sockets, which granian keeps to itself, and each connection
    inherits it.
    """
    option: int | None = getattr(socket, "TCP_USER_TIMEOUT", None)
    if option is None:  # a kernel that has no such clock
        return
    # granian does not hand out its listening sockets, so each descriptor is tried.
    for name in os.listdir("/dev/fd"):
        with suppress(OSError), socket.socket(fileno=os.dup(int(name))) as copy:  # not every file
            copy.setsockopt(socket.IPPROTO_TCP, option, round(seconds * 1000))
