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
from coprod_kg.sparql.tokens import is_changing
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

__all__ = ["QUICK_PATH", "FastLookup"]

QUICK_PATH: Final = "/sparql"
"""The only path of which something is answered here."""

_LONGEST: Final = 8192
"""Characters of a query string that is read here."""
_ANALYSED: Final = re.compile("service|load|from|exists", re.IGNORECASE)
"""A query with one of these words is examined token by token before it is asked."""
_BODY_HEADERS: Final = frozenset({"content-length", "transfer-encoding"})
"""What a request with a body has; of a GET that is the application's to judge."""

Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class _Lookup:
    """A request that can be answered here; `held` is the format its client has the answer in."""

    query: Query
    conditions: Conditions
    held: Offer | None


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
            found = self._read(head, log)
            if found is None:
                return None
            if found.held is not None:
                return 304, _headers(found.conditions, found.held, log, 304, self._prefix), b""
            log.note(found.query.text)
            keeps = self._site.cache.keeps(found.query)
            kept = self._site.kept(found.query) if keeps else None
            answer = kept or await self._ask(found.query, log)
        # The application meets the error again, and writes it in a form that the client reads.
        except CoprodError:
            return None
        if answer is None:
            return None
        log.cached("hit" if kept else "miss" if keeps else "bypass")
        log.notes["version"] = answer.version
        body = b"".join(answer.chunks)
        if keeps and not kept:
            self._site.cache.keep(found.query, answer, body)
        asked = found.conditions
        conditions = replace(asked, version=answer.version)
        offer = conditions.offer(answer.media_type)
        sent = [("Content-Type", offer.content_type), ("Content-Length", str(len(body)))]
        said = caveat_of_text(body)
        sent += [("Answer-Caveat", said)] if said else []
        return 200, sent + _headers(conditions, offer, log, 200, self._prefix), body

    def _read(self, head: Head, log: RequestLog) -> _Lookup | None:
        """What a request asks, or None where the application has to read it."""
        query_string, headers = head.scope["query_string"], head.headers
        if head.path != QUICK_PATH or head.method != "GET" or len(query_string) > _LONGEST:
            return None
        if not _BODY_HEADERS.isdisjoint(headers):
            return None
        site = self._site
        sent = headers.get("authorization")
        admit(log, sent, site.tokens, site.private, closed=self._closed)
        granted(log, sent, site.tokens)
        asked = read_address(query_string)
        # A query that needs an examination token by token would hold up the event loop.
        if asked.text is None or _ANALYSED.search(asked.text) or is_changing(asked.text):
            return None
        query, conditions = lookup(asked, headers.get("accept"), log, site)
        if wants_page(conditions.offers):
            return None
        held = None
        if (tags := headers.get("if-none-match")) is not None:
            conditions = replace(conditions, version=site.version(query.version))
            held = conditions.held(tags, log.hidden)
            if held is None and "*" in tags:
                return None
        return _Lookup(query, conditions, held)

    async def _ask(self, query: Query, log: RequestLog) -> Answer | None:
        """The answer if it is small and there within a moment; else the query has begun."""
        query = admitted(query, self._site.settings)
        found = self._store.try_point_lookup(query)
        if isinstance(found, Future):
            await asyncio.wait([asyncio.wrap_future(found)], timeout=OPENING_SECONDS)
            found = self._store.try_point_lookup(query)
        if isinstance(found, Answer):
            return found
        try:
            slot = self._site.slots.take_at_once(client(log.client, log.grant))
        except BlockingIOError:
            return None
        try:
            put = replace(query, reserved=slot.reserved)
            asking = self._store.send(put)
        except BaseException:
            slot.give_back()
            raise
        # Kept with the request, so that the application goes on with it and need not begin anew.
        log.pending = QueryInFlight(self._site.store, NOTHING, put, asking, slot)
        answer = await self._soon(asking)
        if answer is not None:
            log.pending.close()
            log.pending = None
        return answer

    async def _soon(self, asking: PendingQuery) -> Answer | None:
        """The answer once it is there; None where it is large or fails, or `give_up` says so."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Answer | None] = loop.create_future()
        place = asking.fileno()

        def look() -> None:
            try:
                answer = asking.poll()
            except NeedsThread:
                answer = None
            else:
                if answer is None:
                    return
            loop.remove_reader(place)
            if not done.done():
                done.set_result(answer)

        loop.add_reader(place, look)
        self._waiting[done] = time.monotonic()
        try:
            return await done
        finally:
            del self._waiting[done]
            loop.remove_reader(place)

    def give_up(self, before: float) -> None:
        """Leave to threads the queries that began before a moment of the monotonic clock."""
        for done, since in list(self._waiting.items()):
            if since < before and not done.done():
                done.set_result(None)


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
