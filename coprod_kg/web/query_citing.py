"""Citation of a saved query's answer over HTTP: ``/queries/NAME/cite`` and response headers.

A small answer says its rows and its content hash in every format; a large one leaves both to
``/queries/NAME/cite``, so that it can be sent as it comes.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache, partial
from typing import Final
from xml.sax.saxutils import escape

from flask import Blueprint, Response, request

from coprod_kg.errors import CoprodError, LimitReached, NotFound
from coprod_kg.formats.comments import begun, commented
from coprod_kg.formats.media_types import GRAPHS, ROWS, Format
from coprod_kg.formats.negotiation import Offer, negotiate
from coprod_kg.formats.table import read_table
from coprod_kg.model.licence import LICENCE
from coprod_kg.queries.blank_labels import labelled
from coprod_kg.queries.caveat import caveat_of_claims
from coprod_kg.queries.citation import Citation, canonical, cite, permalink, query_hash
from coprod_kg.queries.content_hash import Content, content_of_graph, content_of_table
from coprod_kg.queries.library import SavedQuery
from coprod_kg.queries.parameters import RESERVED
from coprod_kg.queries.suppression import ask_withholding
from coprod_kg.queries.version_date import dated, dating
from coprod_kg.store.base import Answer, Query
from coprod_kg.web.address import root
from coprod_kg.web.pages.disclaimer import claims
from coprod_kg.web.paging import Page, part
from coprod_kg.web.parameter_values import permitted
from coprod_kg.web.protocol import parameters, seconds, version
from coprod_kg.web.replies import LATEST
from coprod_kg.web.site import Site, take

__all__ = ["CitationRequest", "add_routes", "asking_of", "named", "pairs", "saved"]

_SMALL: Final = 256 << 10
_MOST: Final = 16 << 20
_HEAD: Final = re.compile(rb'^\s*\{\s*"head"\s*:\s*\{(?=\s*")')
"""The beginning of JSON results up to the first member of their head; that of ASK has none."""
_OURS: Final = (*RESERVED, "from", "to")
_FORMATS: Final = (
    Format("txt", "text/plain", "page", "text"),
    Format("bib", "application/x-bibtex", "page", "BibTeX", ("text/x-bibtex",), ("bibtex",)),
    Format("csl.json", "application/vnd.citationstyles.csl+json", "page", "CSL-JSON", (), ("csl",)),
)


@dataclass(frozen=True, slots=True)
class CitationRequest:
    """A saved query as this request asks it.

    Attributes:
        site: where.
        query: the saved query.
        values: what it is bound to.
        asked: the query for the store.
        chosen: the part of the rows.
        claims: how many claims in the dataset are secondary coding, and how many there are.
    """

    site: Site
    query: SavedQuery
    values: Mapping[str, Sequence[str]]
    asked: Query
    chosen: Page
    claims: tuple[int, int]

    def answer(self, asked: Query) -> Answer:
        """What the store answers, with small counts withheld where the query says so.

        Args:
            asked: the question, or the same one in another format or of another version.

        Raises:
            LimitReached: the whole answer is too large for its small counts to be looked for.
        """
        rule, ask = self.query.small_counts, self.site.ask_store
        if rule is None:
            return ask(asked)
        part = (self.chosen.limit, self.chosen.offset)
        whole = self.query.bind(self.values, self.site.settings.base_iri)
        return ask_withholding(ask, rule, asked, whole, part)

    def measured(self, answer: Answer) -> tuple[Answer, Content | None]:
        """The same answer with its measure, if it is small and was had whole.

        Blank nodes of a small graph have the same labels each time.
        """
        if answer.length is None or answer.length > _SMALL:
            return answer, None
        data = take(answer, _SMALL)
        if data is None:
            return answer, None
        data = labelled(data, answer.media_type)
        again = Answer(answer.media_type, answer.version, len(data), iter((data,)))
        if answer.media_type == self.plain:
            return again, self._content(data)
        try:
            return again, self.content(answer.version, _SMALL)
        except CoprodError:  # the answer is there; its measure can be asked at /cite
            return again, None

    def content(self, number: int, most: int = _MOST) -> Content:
        """The measure of the answer of one version.

        Raises:
            LimitReached: the answer is larger than that.
        """
        return self._content(self.data(number, most))

    def data(self, number: int, most: int = _MOST) -> bytes:
        """The answer of one version as JSON results or N-Triples.

        Raises:
            LimitReached: the answer is larger than that.
        """
        plain = replace(self.asked, media_types=(self.plain,), version=number)
        data = take(self.answer(plain), most)
        if data is None:
            raise LimitReached(
                f"the answer is larger than {most >> 20} MiB, too much to be measured here",
                fix="Bind more parameters, or cite a part of it with limit and offset.",
            )
        return data

    def marked(self, response: Response, number: int, content: Content | None) -> Response:
        """The response with what names this answer in its headers (RFC 8574)."""
        if said := self._said(content):
            response.headers["Answer-Caveat"] = said
        if content is not None:
            response.headers["Content-SHA256"] = content.sha256
            if content.rows is not None:
                response.headers["Answer-Rows"] = str(content.rows)
        if self.query.small_counts is not None:
            known = "" if content is None else f"; withheld={content.withheld}"
            response.headers["Small-Counts"] = f"{self.query.small_counts.rule}{known}"
        return named(response, self.query, self._pairs, (number, self.site.lineage))

    def leading(self, answer: Answer, content: Content | None) -> Answer:
        """The same answer with its caveat in it, where its format has a place that no reader minds.

        Comments are that place in XML and in graphs, and links to more in the heads of results
        (SPARQL 1.1 Query Results JSON Format, 3.1.2; XML Format, 2.2.1). CSV and TSV have none.
        """
        place = (answer.version, self.site.lineage)
        link = permalink(root(), f"{self.query.name}/cite", self._pairs, place)
        said = self._said(content)
        return begun(
            answer,
            lambda first: commented(
                _linked(first, answer.media_type, link), answer.media_type, said
            ),
        )

    def _said(self, content: Content | None) -> str:
        return caveat_of_claims(self.claims) if content is None else content.caveat

    def citation(self, number: int, content: Content) -> Citation:
        """The citation of the answer of one version."""
        place = (root(), number, self.site.lineage, self._dated(number))
        return cite(self.query, self._pairs, content, place)

    def given(self, number: int, content: Content) -> Citation:
        """The citation, with its version kept from now on, since it is handed out."""
        citation = self.citation(number, content)
        self.site.store.cite(number)
        return citation

    def quoted(self, number: int, content: Content) -> str:
        """The sentence that cites the answer of one version, given out."""
        return f"{self.given(number, content).sentence}."

    @property
    def _pairs(self) -> tuple[tuple[str, str], ...]:
        return pairs(self.query, self.values, self.chosen)

    @property
    def plain(self) -> str:
        """The media type that it is measured in."""
        graph = self.query.form in ("CONSTRUCT", "DESCRIBE")
        return GRAPHS[2].media_type if graph else ROWS[0].media_type

    def _content(self, data: bytes) -> Content:
        graph = self.plain == GRAPHS[2].media_type
        measure = _measure if len(data) <= _SMALL else _measure.__wrapped__
        return measure(data, graph, self.claims)

    def _dated(self, number: int) -> datetime | None:
        text = dating(self.site.settings.base_iri, number)
        return dated(self.site.ask(text, (ROWS[0].media_type,), number).read())


def _linked(first: bytes, media_type: str, link: str) -> bytes:
    """The first bytes of results with a link in their head."""
    if media_type == "application/sparql-results+json":
        return _HEAD.sub(
            lambda found: found[0] + f'"link":[{json.dumps(link)}],'.encode(), first, 1
        )
    if media_type == "application/sparql-results+xml":
        linked = f'<link href="{escape(link)}"/></head>'.encode()
        return first.replace(b"<head/>", b"<head></head>", 1).replace(b"</head>", linked, 1)
    return first


@lru_cache(maxsize=64)
def _measure(data: bytes, graph: bool, claims: tuple[int, int]) -> Content:
    """The measure of the bytes of an answer; small ones are asked again and again."""
    if graph:
        return content_of_graph(data, claims)
    return content_of_table(read_table(data), claims)


def add_routes(routes: Blueprint, site: Site) -> None:
    """The routes of citations."""
    for endpoint, rule in (("cite", "/cite"), ("cite-as", "/cite.<path:form>")):
        routes.add_url_rule(
            f"/queries/<name>{rule}", endpoint=endpoint, view_func=partial(_cite, site)
        )


def pairs(
    query: SavedQuery, values: Mapping[str, Sequence[str]], chosen: Page
) -> tuple[tuple[str, str], ...]:
    """The parameters that identify an answer: the values, and the part of the rows."""
    parts = (("limit", chosen.limit), ("offset", chosen.offset))
    taken = tuple((name, str(value)) for name, value in parts if value)
    return (*canonical(query, values), *taken)


def named(
    response: Response,
    query: SavedQuery,
    given: Sequence[tuple[str, str]],
    place: tuple[int, str],
) -> Response:
    """The response, one without a body too, with what names the answer whatever it says."""
    link = permalink(root(), query.name, given, place)
    response.headers["Query-SHA256"] = query_hash(query)
    response.headers.add("Link", f'<{link}>; rel="cite-as"')
    response.headers.add("Link", f'<{LICENCE}>; rel="license"')
    return response


def saved(site: Site, name: str) -> SavedQuery:
    """The saved query of that name.

    Raises:
        NotFound: there is none.
    """
    if name not in site.queries:
        raise NotFound(
            f"there is no saved query {name[:80]!r}", fix="All of them are listed at /queries."
        )
    return site.queries[name]


def asking_of(site: Site, query: SavedQuery, number: int | None) -> CitationRequest:
    """The citation request for a saved query as this request asks it, at one version."""
    given = parameters(request)
    values = given.grouped(leave_out=_OURS)
    chosen, query = part(given, query), permitted(site, query, number, values)
    text = chosen.text(partial(query.bind, values, site.settings.base_iri))
    limit = seconds(given, site.settings)
    asked = Query(text, query.media_types, version=number, seconds=limit, union=True)
    return CitationRequest(site, query, values, asked, chosen, claims(site, number))


def _cite(site: Site, name: str, form: str | None = None) -> Response:
    """The citation of an answer, as text, BibTeX or CSL-JSON."""
    query, given = saved(site, name), parameters(request)
    offer = _offer(form, given.one("format"))
    site.is_fixed(given)
    number = site.version(version(given))
    asking = asking_of(site, query, number)
    content = asking.content(number)
    citation = asking.given(number, content)
    texts = {"txt": citation.text, "bib": citation.bibtex, "csl.json": citation.csl_text}
    response = Response(texts[offer.format.name](), content_type=offer.content_type)
    response.headers["Dataset-Version"] = str(number)
    response.headers["Cache-Control"] = LATEST
    return asking.marked(response, number, content)


def _offer(suffix: str | None, named: str | None) -> Offer:
    wanted = suffix or named
    if not wanted:
        return negotiate(request.headers.get("Accept"), _FORMATS)[0]
    for form in _FORMATS:
        if wanted.lower() in (form.name, form.media_type, *form.names):
            return Offer(form, form.content_type)
    raise NotFound(
        f"there is no citation as {wanted[:40]!r}",
        fix="The formats are: " + ", ".join(form.name for form in _FORMATS) + ".",
    )
