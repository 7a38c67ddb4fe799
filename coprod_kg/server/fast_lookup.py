"""Short queries answered in the event loop, without a thread.

A GET of ``/sparql`` is answered here where its query is short and its answer is held by the client,
kept in the cache, or small and there within a moment. Who may read what, what the request means and
which headers its answer has is decided by the functions that the application uses
(`coprod_kg.web.authorisation.admit`, `coprod_kg.web.lookup`,
`coprod_kg.web.headers.common`). Everything else goes to the application: errors, pages, and queries
that take longer (`coprod_kg.web.request_log`).
"""

import asyncio
import re
import time
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Final

from coprod_kg.errors import CoprodError
from coprod_kg.formats.media_types import Offer
from coprod_kg.queries.ask import admitted
from coprod_kg.queries.caveat import caveat_of_text
from coprod_kg.server.request import Head
from coprod_kg.store.base import NOTHING, Answer, Query
from coprod_kg.store.local import OPENING_SECONDS, LocalStore
from coprod_kg.store.worker_client import NeedsThread, PendingQuery
from coprod_kg.web.authorisation import admit, granted
from coprod_kg.web.client_slots import client
from coprod_kg.web.headers import cache_control, common
from coprod_kg.web.lookup import lookup
from coprod_kg.web.protocol import read_address
from coprod_kg.web.replies import Conditions, wants_page
from coprod_kg.web.request_log import QueryInFlight, RequestLog
from coprod_kg.web.site import Site

__all__ = ["BODY_HEADERS", "QUICK_PATH", "FastLookup"]

QUICK_PATH: Final = "/sparql"
"""The only path of which something is answered here."""

_LONGEST: Final = 8192
"""Characters of a query string that is read here."""
_LARGEST: Final = 1 << 20
"""Bytes of an answer that was made ready above which reading it is a thread's work."""
_ANALYSED: Final = re.compile("service|load|from|exists", re.IGNORECASE)
"""Words for which a query is read token by token before it is asked: that is a thread's work."""
BODY_HEADERS: Final = frozenset({"content-length", "transfer-encoding"})
"""What a request with a body has; of a GET that is the application's to judge."""

Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class _Lookup:
    """A request that can be answered here; `current_offer` is the format its client already has."""

    query: Query
    conditions: Conditions
    current_offer: Offer | None


class FastLookup:
    """The queries that one web process answers in its event loop.

    Args:
        site: what the application has at hand.
        store: answers point lookups at once, and takes other queries without waiting.
    """

    def __init__(self, site: Site, store: LocalStore) -> None:
        self._site = site
        self._store = store
        self._closed = site.settings.read_access == "token"
        self._prefix = site.settings.prefix
        self._waiting: dict[asyncio.Future[Answer | None], float] = {}

    async def answer(self, head: Head, log: RequestLog) -> tuple[int, Headers, bytes] | None:
        """Status, headers and body, or None where the application has to answer."""
        try:
            request = self._read(head, log)
            if request is None:
                return None
            offer = request.current_offer
            if offer is not None:
                return 304, _headers(request.conditions, offer, log, 304, self._prefix), b""
            log.note(request.query.text)
            keeps = self._site.cache.is_cacheable(request.query)
            cached = self._cached(request.query) if keeps else None
            # A point lookup calls nothing, so it need not be admitted; and none is prepared.
            answer = cached or await self._point_lookup(request.query)
            if answer is None:
                cached = self._site.kept(request.query, _LARGEST) if keeps else None
                answer = cached or await self._ask(request.query, log)
        # The application meets the error again, and writes it in a form that the client reads.
        except CoprodError:
            return None
        if answer is None:
            return None
        log.cached("hit" if cached else "miss" if keeps else "bypass")
        log.notes["version"] = answer.version
        body = b"".join(answer.chunks)
        if keeps and not cached:
            self._site.cache.keep(request.query, answer, body)
        conditions = request.conditions
        conditions.version = answer.version
        offer = conditions.offer(answer.media_type)
        headers = [("Content-Type", offer.content_type), ("Content-Length", str(len(body)))]
        caveat = caveat_of_text(body)
        headers += [("Answer-Caveat", caveat)] if caveat else []
        return 200, headers + _headers(conditions, offer, log, 200, self._prefix), body

    @property
    def sees_all(self) -> bool:
        """Whether a client without a token sees all data, as point lookups need it."""
        return not self._closed and not self._site.private.organisations()

    def _read(self, head: Head, log: RequestLog) -> _Lookup | None:
        """What a request asks, or None where the application has to read it."""
        query_string, headers = head.scope["query_string"], head.headers
        if head.path != QUICK_PATH or head.method != "GET" or len(query_string) > _LONGEST:
            return None
        if not BODY_HEADERS.isdisjoint(headers):
            return None
        site = self._site
        authorization = headers.get("authorization")
        admit(log, authorization, site.tokens, site.private, closed=self._closed)
        granted(log, authorization, site.tokens)  # a wrong token is refused where all may read, too
        address = read_address(query_string)
        # How long their tokens take to read is not bounded; ORDER BY is looked for once, here.
        if address.text is None or _ANALYSED.search(address.text):
            return None
        query, conditions = lookup(address, headers.get("accept"), log, site)
        if conditions.changing or wants_page(conditions.offers):
            return None
        current_offer = None
        if (tags := headers.get("if-none-match")) is not None:
            conditions.version = site.version(query.version)
            current_offer = conditions.held(tags, log.hidden)
            if current_offer is None and "*" in tags:
                return None
        return _Lookup(query, conditions, current_offer)

    def _cached(self, query: Query) -> Answer | None:
        """The answer that this process holds to a question about the newest version."""
        number = self._store.version()
        newest = query.version in (None, number)
        return self._site.cache.find(query, number) if newest else None

    async def _point_lookup(self, query: Query) -> Answer | None:
        """The answer to a point lookup, as soon as the newest version is open here."""
        at_hand = self._store.try_point_lookup(query)
        if isinstance(at_hand, Future):
            await asyncio.wait([asyncio.wrap_future(at_hand)], timeout=OPENING_SECONDS)
            at_hand = self._store.try_point_lookup(query)
        return at_hand if isinstance(at_hand, Answer) else None

    async def _ask(self, query: Query, log: RequestLog) -> Answer | None:
        """The answer to a query if it is small and soon there; else it has begun."""
        query = admitted(query, self._site.settings)
        try:
            slot = self._site.slots.take_at_once(client(log.client, log.grant))
        except BlockingIOError:
            return None
        try:
            reserved_query = replace(query, reserved=slot.reserved)
            pending = self._store.send(reserved_query)
        except BaseException:
            slot.give_back()
            raise
        # Kept with the request, so that the application goes on with it and need not begin anew.
        log.pending = QueryInFlight(self._site.store, NOTHING, reserved_query, pending, slot)
        answer = await self._answer_soon(pending)
        if answer is not None:
            log.pending.close()
            log.pending = None
        return answer

    async def _answer_soon(self, pending: PendingQuery) -> Answer | None:
        """The answer once it is there; None where it is large or fails, or `give_up` says so."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer | None] = loop.create_future()
        descriptor = pending.fileno()

        def check() -> None:
            try:
                answer = pending.poll()
            except NeedsThread:
                answer = None
            else:
                if answer is None:
                    return
            loop.remove_reader(descriptor)
            if not future.done():
                future.set_result(answer)

        loop.add_reader(descriptor, check)
        self._waiting[future] = time.monotonic()
        try:
            return await future
        finally:
            del self._waiting[future]
            loop.remove_reader(descriptor)

    def give_up(self, moment: float) -> None:
        """Leave to threads the queries that began before a moment of the monotonic clock."""
        for future, began in list(self._waiting.items()):
            if began < moment and not future.done():
                future.set_result(None)


def _headers(
    conditions: Conditions, offer: Offer, log: RequestLog, status: int, prefix: str
) -> Headers:
    marks = conditions.marks(offer, log.hidden)
    if log.unshared:
        marks = [
            (name, cache_control(log, value) if name == "Cache-Control" else value)
            for name, value in marks
        ]
    return marks + common(log, status, offer.format.media_type, prefix)
