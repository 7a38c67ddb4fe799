"""The short road: a lookup is answered in the event loop, without a thread; it decides nothing.

Only what needs nothing else is answered here: a GET of ``/sparql`` for data that everybody may
see, by a short query whose answer is kept, or small and there within a moment. What it means is
read by the functions that the application uses, and everything else goes to the application:
errors, pages, tokens, conditions, and queries that take longer (`coprod_kg.web.begun`).
"""

import asyncio
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from granian.rsgi import Scope

from coprod_kg.answering import admitted
from coprod_kg.errors import CoprodError
from coprod_kg.store.asking import Asking, NotAtOnce
from coprod_kg.store.base import Answer, Asker, Query
from coprod_kg.web.begun import Begun
from coprod_kg.web.cache import is_changing
from coprod_kg.web.exchange import Exchange
from coprod_kg.web.headers import of_data
from coprod_kg.web.protocol import read_address
from coprod_kg.web.replies import Conditions, chosen, wants_page
from coprod_kg.web.site import Site
from coprod_kg.web.slots import client, give_back
from coprod_kg.web.sparql import query_of

__all__ = ["ShortRoad"]

_LONGEST: Final = 8192
"""Characters of a query string that is read here."""
_BUSY: Final = re.compile("service|load|from|exists", re.IGNORECASE)
"""What makes a query one that is examined token by token before it is asked."""
_NOT_PLAIN: Final = frozenset(
    {"authorization", "if-none-match", "content-length", "transfer-encoding"}
)

Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class _Lookup:
    query: Query
    conditions: Conditions


class ShortRoad:
    """What one web process answers in its event loop.

    Args:
        site: what the application has at hand.
        begin: sends a query to the store without waiting.
    """

    def __init__(self, site: Site, begin: Callable[[Query], Asking]) -> None:
        self._site = site
        self._begin = begin
        self._open = site.settings.read_access != "token"
        self._waiting: dict[asyncio.Future[Answer | None], float] = {}

    async def answer(
        self, scope: Scope, exchange: Exchange
    ) -> tuple[Headers, Iterable[bytes]] | None:
        """The headers and the body, or None where the application has to answer."""
        lookup = self._read(scope, exchange.asker)
        if lookup is None:
            return None
        exchange.note(lookup.query.text)
        keeps = self._site.cache.keeps(lookup.query)
        try:
            kept = self._site.kept(lookup.query) if keeps else None
            answer = kept or await self._ask(lookup.query, exchange)
        except CoprodError:
            return None
        if answer is None:
            return None
        exchange.cached("hit" if kept else "miss" if keeps else "bypass")
        exchange.notes["version"] = answer.version
        body = b"".join(answer.chunks)
        if keeps and not kept:
            self._site.cache.keep(lookup.query, answer, body)
        return _headers(lookup, answer, exchange), (body,)

    def _read(self, scope: Scope, asker: Asker) -> _Lookup | None:
        address, headers = scope.query_string, scope.headers
        if not self._open or scope.method != "GET" or scope.path != "/sparql":
            return None
        if len(address) > _LONGEST or not _NOT_PLAIN.isdisjoint(headers.keys()):
            return None
        accept = [value for name, value in headers.items() if name == "accept"]
        if len(accept) > 1 or self._site.private.organisations():
            return None
        try:
            asked = read_address(address.encode("latin-1"))
            if asked.text is None or _BUSY.search(asked.text) or is_changing(asked.text):
                return None
            wanted = chosen(asked.parameters, accept[0] if accept else None)
            query = query_of(asked, wanted, self._site.settings, asker)
        except (CoprodError, UnicodeEncodeError):
            return None
        if wants_page(wanted):
            return None
        return _Lookup(query, Conditions(0, query.version is not None, wanted))

    async def _ask(self, query: Query, exchange: Exchange) -> Answer | None:
        """The answer if it is small and there within a moment; else the query has begun."""
        try:
            slot = self._site.slots.take_at_once(client(exchange.client))
        except BlockingIOError:
            return None
        try:
            put = admitted(query, self._site.settings)
            asking = self._begin(put)
        except BaseException:
            give_back(slot)
            raise
        exchange.begun = Begun(self._site.store, (), put, asking, slot)
        answer = await self._soon(asking)
        if answer is not None:
            exchange.begun.close()
            exchange.begun = None
        return answer

    async def _soon(self, asking: Asking) -> Answer | None:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Answer | None] = loop.create_future()
        place = asking.fileno()

        def look() -> None:
            try:
                answer = asking.at_once()
            except NotAtOnce:
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
        """Let threads wait for what was asked before a moment of the monotonic clock."""
        for done, since in list(self._waiting.items()):
            if since < before and not done.done():
                done.set_result(None)


def _headers(lookup: _Lookup, answer: Answer, exchange: Exchange) -> Headers:
    conditions = Conditions(answer.version, lookup.conditions.pinned, lookup.conditions.offers)
    offer = conditions.offer(answer.media_type)
    return [
        ("Content-Type", offer.content_type),
        ("Content-Length", str(answer.length)),
        *conditions.marks(offer),
        *of_data(str(exchange.notes["cache"])),
    ]
