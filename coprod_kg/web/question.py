"""A saved query as a request asks it: values, part of the rows, and the headers of its answer.

The parts of an answer are linked in the header ``Link`` (RFC 8288). Whether there is another one
is asked for one row beyond the part, so it costs no second reading of what is sent, and works for
every format; the last part is known only from within it. A small answer says its rows and its
content hash in every format; a large one leaves both to ``/queries/NAME/cite``.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from flask import Response, request

from coprod_kg.errors import NotFound, WrongUsage
from coprod_kg.formats.table import commented, with_first_chunk
from coprod_kg.model.namespaces import LICENCE
from coprod_kg.queries.caveat import caveat_of_claims
from coprod_kg.queries.citation import permalink, query_hash
from coprod_kg.queries.labels import LANGUAGES
from coprod_kg.queries.library import SavedQuery
from coprod_kg.queries.parameters import RESERVED
from coprod_kg.queries.question import MeasuredAnswer, Question
from coprod_kg.queries.suppression import Part
from coprod_kg.store.base import Answer
from coprod_kg.web.address import root
from coprod_kg.web.protocol import Parameters, is_iri, seconds
from coprod_kg.web.request_log import request_log
from coprod_kg.web.site import Site
from coprod_kg.web.thing_address import refuse_withdrawn

__all__ = [
    "PageLinks",
    "pages",
    "question_of",
    "read_language",
    "saved",
    "with_answer_headers",
    "with_embedded_caveat",
    "with_identity_headers",
    "with_page_links",
]

_MOST: Final = 1_000_000_000
"""The largest number that ``limit`` and ``offset`` take."""
_ONE: Final = ("text/csv", "application/n-triples")
_HEAD: Final = re.compile(rb'^\s*\{\s*"head"\s*:\s*\{(?=\s*")')
"""The beginning of JSON results up to the first member of their head; that of ASK has none."""


@dataclass(frozen=True, slots=True)
class PageLinks:
    """Where the other parts are, and how many rows stand before this one."""

    links: Mapping[str, str]
    before: int


def saved(site: Site, name: str) -> SavedQuery:
    """The saved query of that name.

    Raises:
        Withdrawn: it was submitted once, and removed.
        NotFound: there is none.
    """
    if name not in site.queries:
        refuse_withdrawn(site, f"{site.settings.base_iri}queries/{name}", site.version())
        raise NotFound(
            f"there is no saved query {name[:80]!r}", fix="All of them are listed at /queries."
        )
    return site.queries[name]


def question_of(
    site: Site,
    query: SavedQuery,
    given: Parameters,
    number: int | None,
    leave_out: Iterable[str] = (),
) -> Question:
    """A saved query as this request asks it, its values not checked yet.

    Args:
        site: where.
        query: the saved query.
        given: what the address says.
        number: the dataset version, or None for the newest.
        leave_out: names that have a meaning of their own in this address, beside `RESERVED`.

    Raises:
        WrongUsage: a part is asked that is no number of rows, or of an answer without any; or
            a language in which there are no labels.
    """
    values = given.grouped(leave_out=(*RESERVED, *leave_out))
    limit = seconds(given, site.settings)
    return Question(
        site.endpoint, query, values, number, limit, _part(given, query), read_language(given)
    )


def pages(site: Site, question: Question) -> PageLinks:
    """Where the other parts are: ``first``, ``prev``, ``next``, ``last``, each only if it is so."""
    size, start = question.part[0], question.part[1] or 0
    if size is None:
        return PageLinks({}, start)
    request_log(request).note(question.text)

    def there(row: int) -> bool:
        if row > _MOST:
            return False
        data = site.ask_store(question.query(_ONE, (1, row))).read()
        return bool(data.strip()) if question.saved.is_graph else len(data.splitlines()) > 1

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


def with_page_links(response: Response, page_links: PageLinks) -> Response:
    """The response with the links in its ``Link`` header (RFC 8288)."""
    for name, address in page_links.links.items():
        response.headers.add("Link", f'<{address}>; rel="{name}"')
    return response


def with_answer_headers(
    response: Response, question: Question, place: tuple[int, str], found: MeasuredAnswer | None
) -> Response:
    """The response with what names this answer in its headers (RFC 8574).

    Args:
        response: of the answer.
        question: the saved query as it was asked.
        place: the dataset version that answered, and its lineage.
        found: the answer with its measure, or None where that is not known.
    """
    content = found.content if found else None
    if caveat := _caveat(question, found):
        response.headers["Answer-Caveat"] = caveat
    if content is not None:
        response.headers["Content-SHA256"] = content.sha256
        if content.rows is not None:
            response.headers["Answer-Rows"] = str(content.rows)
    if question.saved.small_counts is not None:
        known = "" if content is None else f"; withheld={content.withheld}"
        response.headers["Small-Counts"] = f"{question.saved.small_counts.rule}{known}"
    return with_identity_headers(response, question, place)


def with_identity_headers(
    response: Response, question: Question, place: tuple[int, str]
) -> Response:
    """The response, one without a body too, with what names the answer whatever it says."""
    link = permalink(root(), question.saved.name, question.pairs, place)
    response.headers["Query-SHA256"] = query_hash(question.saved)
    response.headers.add("Link", f'<{link}>; rel="cite-as"')
    response.headers.add("Link", f'<{LICENCE}>; rel="license"')
    return response


def with_embedded_caveat(
    answer: Answer, question: Question, lineage: str, found: MeasuredAnswer | None
) -> Answer:
    """The same answer with its caveat in it, where its format has a place that no reader minds.

    Comments are that place in XML and in graphs, and links to more in the heads of results
    (SPARQL 1.1 Query Results JSON Format, 3.1.2; XML Format, 2.2.1). CSV and TSV have none.
    """
    media_type, caveat = answer.media_type, _caveat(question, found)
    place = (answer.version, lineage)
    link = permalink(root(), f"{question.saved.name}/cite", question.pairs, place)
    return with_first_chunk(
        answer, lambda first: commented(_with_link(first, media_type, link), media_type, caveat)
    )


def _caveat(question: Question, found: MeasuredAnswer | None) -> str:
    if found is None:
        return caveat_of_claims(question.claims)
    return found.content.caveat or replace(found, question=replace(question, language="")).note


def _with_link(first: bytes, media_type: str, link: str) -> bytes:
    """The first bytes of results with a link in their head."""
    if media_type == "application/sparql-results+json":
        return _HEAD.sub(
            lambda found: found[0] + f'"link":[{json.dumps(link)}],'.encode(), first, 1
        )
    if media_type == "application/sparql-results+xml":
        linked = f'<link href="{escape(link)}"/></head>'.encode()
        return first.replace(b"<head/>", b"<head></head>", 1).replace(b"</head>", linked, 1)
    return first


def read_language(given: Parameters) -> str:
    """The language that the address asks for; empty where it names none.

    Raises:
        WrongUsage: it is one in which there are no labels.
    """
    text = given.one("lang") or ""
    if text and text not in LANGUAGES:
        raise WrongUsage(
            f"there are no labels in {text[:20]!r}",
            where="parameter lang",
            fix=f"Write one of {', '.join(LANGUAGES)}, or leave it out.",
        )
    return text


def _part(given: Parameters, query: SavedQuery) -> Part:
    found = _number(given, "limit", 1), _number(given, "offset", 0)
    if query.form == "ASK" and found != (None, None):
        raise WrongUsage(
            "a question that is answered by yes or no has no rows to pass over",
            where="parameter limit" if found[0] else "parameter offset",
            fix="Leave it out.",
        )
    return found


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
    if re.fullmatch(r"[0-9]{1,10}", text) and least <= int(text) <= _MOST:
        return int(text)
    raise WrongUsage(
        f"{text[:40]!r} is not a number of rows",
        where=f"parameter {name}",
        fix=f"Write a whole number from {least} to {_MOST}.",
    )
