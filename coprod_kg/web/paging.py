"""Paging of a saved query's rows: ``limit``, ``offset`` and the ``Link`` header (RFC 8288).

Whether there is more is asked for one row beyond the part, so it costs no second reading of what
is sent, and works for every format; the last part is known only from within it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final, Protocol
from urllib.parse import urlencode

from flask import Response, request

from coprod_kg.errors import WrongUsage
from coprod_kg.formats.media_types import GRAPHS
from coprod_kg.queries.library import SavedQuery
from coprod_kg.store.base import Query
from coprod_kg.web.address import root
from coprod_kg.web.protocol import Parameters, is_iri
from coprod_kg.web.request_log import exchange
from coprod_kg.web.site import Site

__all__ = ["MOST", "Page", "PageLinks", "linked", "pages", "part"]

MOST: Final = 1_000_000_000
"""The largest number that ``limit`` and ``offset`` take."""
_ONE: Final = ("text/csv", "application/n-triples")


class Binding(Protocol):
    """Gives the text of a query for a part of its rows."""

    def __call__(self, *, limit: int | None = None, offset: int | None = None) -> str:
        """The text that asks for so many rows from there on."""


@dataclass(frozen=True, slots=True)
class Page:
    """So many rows at most, after so many others."""

    limit: int | None
    offset: int | None

    def text(self, bind: Binding) -> str:
        """The text of a query for this part, or for all where none is chosen."""
        if self.limit is None and self.offset is None:
            return bind()
        return bind(limit=self.limit, offset=self.offset)


@dataclass(frozen=True, slots=True)
class PageLinks:
    """Where the other parts are, and how many rows stand before this one."""

    links: Mapping[str, str]
    before: int


def part(given: Parameters, query: SavedQuery) -> Page:
    """The part that a request asks for.

    Raises:
        WrongUsage: it is no number of rows, or the answer has no rows.
    """
    found = Page(_number(given, "limit", 1), _number(given, "offset", 0))
    if query.form == "ASK" and found != Page(None, None):
        raise WrongUsage(
            "a question that is answered by yes or no has no rows to pass over",
            where="parameter limit" if found.limit else "parameter offset",
            fix="Leave it out.",
        )
    return found


def pages(site: Site, asking: Query, bind: Binding, chosen: Page) -> PageLinks:
    """Where the other parts are: ``first``, ``prev``, ``next``, ``last``, each only if it is so.

    Args:
        site: queried for whether there is a row.
        asking: the question that is answered.
        bind: gives the text of the same question for other rows.
        chosen: the part that is answered.
    """
    size, start = chosen.limit, chosen.offset or 0
    if size is None:
        return PageLinks({}, start)
    notes = exchange(request).notes
    notes.setdefault("query", sha256(asking.text.encode()).hexdigest()[:16])
    notes.setdefault("query_text", asking.text)

    def there(row: int) -> bool:
        if row > MOST:
            return False
        text = bind(limit=1, offset=row)
        found = site.ask_store(replace(asking, text=text, media_types=_ONE))
        data = found.read()
        graph = found.media_type in {form.media_type for form in GRAPHS}
        return bool(data.strip()) if graph else len(data.splitlines()) > 1

    links = {"first": _address(size, 0)}
    more = there(start + size)
    within = more or not start or there(start)
    if start and within:
        links["prev"] = _address(min(size, start), max(0, start - size))
    if more:
        links["next"] = _address(size, start + size)
    elif within:
        links["last"] = _address(size, start)
    return PageLinks(links, start)


def linked(response: Response, around: PageLinks) -> Response:
    """The response with the links in its ``Link`` header (RFC 8288)."""
    for name, address in around.links.items():
        response.headers.add("Link", f'<{address}>; rel="{name}"')
    return response


def _address(limit: int, offset: int) -> str:
    """The address of this request for other rows, absolute where the host named is one."""
    pairs = [
        (name, value)
        for name in request.args
        for value in request.args.getlist(name)
        if name not in ("limit", "offset")
    ]
    pairs += [("limit", str(limit)), *([("offset", str(offset))] if offset else [])]
    tail = f"{request.path}?{urlencode(pairs)}"
    whole = f"{root().rstrip('/')}{tail}"
    return whole if is_iri(whole) else tail


def _number(given: Parameters, name: str, least: int) -> int | None:
    text = given.one(name)
    if text is None or text == "":
        return None
    if re.fullmatch(r"[0-9]{1,10}", text) and least <= int(text) <= MOST:
        return int(text)
    raise WrongUsage(
        f"{text[:40]!r} is not a number of rows",
        where=f"parameter {name}",
        fix=f"Write a whole number from {least} to {MOST}.",
    )
