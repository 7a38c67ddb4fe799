"""The application behind granian: requests in, threads, responses out; it answers nothing itself.

granian's interface for asynchronous applications (RSGI) says when a client leaves and lets a slow
sender wait without a thread; its interface for WSGI does neither. So the body is read here, then
the application (WSGI) runs in a thread. A small response is handed over whole, a large one piece
by piece. One that fails midway is cut off at the socket, so that its client notices.
"""

import asyncio
import json
import time
from collections import Counter
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from granian._granian import RSGIHTTPProtocol as HTTPProtocol
from granian.rsgi import Scope

from coprod_kg.errors import CoprodError, Overloaded
from coprod_kg.settings import Settings
from coprod_kg.web import connection, receiving
from coprod_kg.web.environ import client_of, environ
from coprod_kg.web.errors import document, kind_of
from coprod_kg.web.exchange import KEY, Exchange
from coprod_kg.web.record import record
from coprod_kg.web.sending import Response, Sender
from coprod_kg.web.short import ShortRoad
from coprod_kg.web.threads import Threads

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

__all__ = ["Gateway"]

_SWEEP_SECONDS: Final = 0.1
_WAITING: Final = 2
"""So many times the threads may be asked for; then more is refused at once."""


class Gateway:
    """A WSGI application as granian's asynchronous interface wants it.

    Args:
        app: the application.
        settings: the limits.
        folder: where the names of pipes live.
        short: what is answered without the application.
    """

    def __init__(
        self,
        app: "WSGIApplication",
        settings: Settings,
        folder: Path,
        short: ShortRoad | None = None,
    ) -> None:
        self._app = app
        self._short = short
        self._settings = settings
        self._threads = Threads(settings.web_threads)
        self._sender = Sender(settings, folder)
        self._clients: Counter[str] = Counter()
        self._under_way: dict[Exchange, HTTPProtocol] = {}
        self._sweeper: asyncio.Task[None] | None = None

    async def __rsgi__(self, scope: Scope, proto: HTTPProtocol) -> None:
        """Answer one request."""
        if self._sweeper is None:
            connection.give_up_after(self._settings.reader_seconds)
            self._sweeper = asyncio.get_running_loop().create_task(self._sweep())
        client = client_of(scope, self._settings.trust_proxies)
        exchange = Exchange(scope.method, scope.path, client)
        try:
            body = await receiving.body(scope, proto, self._settings)
            self._check_room(client)
        except receiving.ClientLeft:
            exchange.outcome = "left"
            record(exchange, self._settings)
            return
        except CoprodError as error:
            _refuse(proto, exchange, error)
            record(exchange, self._settings)
            return
        await self._work(scope, proto, exchange, body)

    async def _work(
        self, scope: Scope, proto: HTTPProtocol, exchange: Exchange, body: IO[bytes]
    ) -> None:
        self._clients[exchange.client] += 1
        self._under_way[exchange] = proto
        try:
            quick = await self._short.answer(scope, exchange) if self._short else None
            if quick is None:
                await self._threads.run(lambda: self._answer(scope, proto, exchange, body))
            else:
                exchange.status = 200
                self._sender.send(Response(scope, proto, exchange, *quick))
        finally:
            if exchange.begun is not None:
                exchange.begun.close()
            del self._under_way[exchange]
            self._clients[exchange.client] -= 1
            if not self._clients[exchange.client]:
                del self._clients[exchange.client]

    def _answer(
        self, scope: Scope, proto: HTTPProtocol, exchange: Exchange, body: IO[bytes]
    ) -> None:
        """In a thread: run the application and send what it answers."""
        response = Response(scope, proto, exchange)
        with body:
            wanted = {**environ(scope, body, exchange.client), KEY: exchange}
            response.chunks = self._app(wanted, response.start)
        self._sender.send(response)

    def _check_room(self, client: str) -> None:
        """Refuse what would wait for too many others.

        Raises:
            Overloaded: too many requests are under way, of this client or in all.
        """
        most = self._settings.client_requests
        if self._clients[client] >= most:
            raise Overloaded(
                f"{most} requests of this client are under way",
                fix="Wait for their answers first. The limit is the setting client-requests.",
            )
        if len(self._under_way) >= _WAITING * self._settings.web_threads:
            raise Overloaded(
                f"{len(self._under_way)} requests are under way",
                fix="Try again in a moment. The limit comes from the setting web-threads.",
            )

    async def _sweep(self) -> None:
        """Look after requests that take longer than a moment: does their client still wait?"""
        watched: dict[Exchange, asyncio.Task[None]] = {}
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            for gone in watched.keys() - self._under_way.keys():
                watched.pop(gone).cancel()
            before = time.monotonic() - _SWEEP_SECONDS
            if self._short is not None:
                self._short.give_up(before)
            for exchange, proto in list(self._under_way.items()):
                if exchange.started < before and exchange not in watched:
                    watched[exchange] = asyncio.create_task(_watch(exchange, proto))


async def _watch(exchange: Exchange, proto: HTTPProtocol) -> None:
    await proto.client_disconnect()
    exchange.asker.leave()


def _refuse(proto: HTTPProtocol, exchange: Exchange, error: CoprodError) -> None:
    """A problem document without the application, which has no thread for it."""
    headers = [
        ("content-type", "application/problem+json"),
        ("cache-control", "no-store"),
        ("access-control-allow-origin", "*"),
    ]
    headers += [("retry-after", str(error.retry_after))] if error.retry_after is not None else []
    text = json.dumps(document(error), ensure_ascii=False, indent=2) + "\n"
    exchange.status, exchange.sent = error.status, len(text.encode())
    exchange.outcome = kind_of(error)
    proto.response_bytes(error.status, headers, text.encode())
