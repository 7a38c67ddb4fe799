"""One request for a page of the explorer: its version and language, what it asks and links to."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from urllib.parse import quote, urlencode

from flask import Response, g, render_template, request
from markupsafe import Markup

from coprod_kg.errors import LimitReached
from coprod_kg.formats.media_types import HTML, Offer
from coprod_kg.formats.table import Cell, Table
from coprod_kg.model.schemes import schemes
from coprod_kg.model.terms import parse_iri
from coprod_kg.queries.labels import LANGUAGES, concepts, names_in, relabelled, things_to_label
from coprod_kg.queries.question import Question
from coprod_kg.web.address import root
from coprod_kg.web.headers import FRAMED_POLICY, SCRIPTED_POLICY
from coprod_kg.web.protocol import Parameters, parameters, version
from coprod_kg.web.replies import Conditions
from coprod_kg.web.site import VOCABULARY, Site

__all__ = ["LANGUAGES", "Figure", "Page", "marks"]

_EMBED: Final = "/embed"
_PLACES: Final = {
    "organisation": "organisations",
    "initiative": "initiatives",
    "barrier": "barriers",
    "enabler": "enablers",
}


@dataclass(frozen=True, slots=True)
class Figure:
    """A number on a page.

    Attributes:
        number: the number, or None where there is none: then the mark says why.
        link: the saved query that lists what it counts.
        of: its denominator, or None.
        column: the column of the answer whose sum it is; empty where it counts its first column.
        mark: ``x`` not available, ``c`` withheld, ``z`` not applicable; empty beside a number.
    """

    number: int | None
    link: str = ""
    of: int | None = None
    mark: str = ""
    column: str = ""

    @classmethod
    def of_cell(cls, cell: Cell, link: str, of: int | None = None, column: str = "") -> "Figure":
        """A count of an answer; without a number where its question withholds it."""
        if cell.is_suppressed:
            return cls(None, link, of, "c", column)
        return cls(int(cell.value), link, of, "", column)

    @property
    def share(self) -> float:
        """The part of the denominator, between 0 and 1; 0 where there is none."""
        return (self.number or 0) / self.of if self.of else 0.0


def marks(figures: Iterable[Figure]) -> str:
    """The marks that stand in the place of numbers, for the key beside them."""
    found = {figure.mark for figure in figures}
    return "".join(mark for mark in "xcz" if mark in found)


class Page:
    """What one page asks, in one version of the data and one language.

    Attributes:
        site: the store and the saved queries.
        language: of the reader.
        given: the parameters of the address.
        version: the version of the data that is shown.
        pinned: whether the address names that version.
    """

    def __init__(self, site: Site, language: str) -> None:
        """Read the request's address; nothing is asked yet."""
        self.site = site
        self.language = language
        self.given: Parameters = parameters(request)
        asked = version(self.given)
        self.pinned = asked is not None
        self._conditions = Conditions(site.version(asked), False, (Offer(HTML, HTML.content_type),))
        self.version = self._conditions.version

    def unchanged(self) -> Response | None:
        """A 304 where the client holds this page already."""
        return self._conditions.unchanged()

    def ask(self, name: str, **values: str | Iterable[str]) -> Table:
        """The rows of a saved query, its labels in the reader's language.

        Raises:
            LimitReached: they are more than a page can show.
            WrongUsage: a value fits no parameter.
        """
        return self._rows(name, _several(values), None)

    def first(self, name: str, limit: int, **values: str | Iterable[str]) -> Table:
        """At most so many of those rows."""
        return self._rows(name, _several(values), limit)

    def _rows(self, name: str, values: dict[str, list[str]], limit: int | None) -> Table:
        site = self.site
        query = site.views[name] if name in site.views else site.queries[name]
        question = Question(site.endpoint, query, values, self.version, part=(limit, None))
        found = question.table()
        if found is None:
            raise LimitReached(
                "there is more to this page than can be shown",
                where=self.link(name, **values),
                fix="Choose fewer at once, or take all of it from there.",
            )
        return self.named(found, "" if name in site.views else query.text)

    def named(self, table: Table, text: str = "") -> Table:
        """The table with its labels in the reader's language.

        Args:
            table: an answer.
            text: of its query, where its own words are put into that language too.
        """
        things = things_to_label(table, self.language, self.site.settings.base_iri)
        return relabelled(table, self.language, self.names(things), text)

    def names(self, things: Iterable[str]) -> Mapping[str, Cell]:
        """Thing → its name in the reader's language, else in another."""
        wanted = sorted(set(things))
        if not wanted:
            return {}
        return names_in(self.ask("view-labels", thing=wanted).rows, self.language)

    def label(self, iri: str) -> Cell | None:
        """The name of one concept or thing."""
        concept = concepts().get(iri)
        if concept:
            return Cell("literal", concept.label(self.language), self.language)
        return self.names([iri]).get(iri)

    def link(self, name: str, **values: str | Iterable[str]) -> str:
        """The address of a saved query bound to values, of the same version."""
        told = {} if self.language == LANGUAGES[0] else {"lang": [self.language]}
        return _address(f"/queries/{name}", self._pinned(_several(values) | told))

    def sparql(self, name: str, **values: str | Iterable[str]) -> str:
        """The address of the SPARQL form with the text of a saved query bound to values."""
        site = self.site
        query = site.views[name] if name in site.views else site.queries[name]
        text = Question(site.endpoint, query, _several(values)).text
        body = "\n".join(line for line in text.splitlines() if not line.startswith("#+"))
        return _address("/sparql", self._pinned({"query": [body]}))

    def to(self, path: str, **values: str | Iterable[str]) -> str:
        """The address of another page of the explorer, in the same language and version."""
        start = "" if self.language == LANGUAGES[0] else f"/{self.language}"
        return _address(f"{start}{path}", self._pinned(_several(values)))

    def at(self, number: int) -> str:
        """The first page in this language as it was in another version of the data."""
        start = "" if self.language == LANGUAGES[0] else f"/{self.language}"
        return _address(f"{start}/", [("version", str(number))])

    def place(self, iri: str) -> str | None:
        """The page of what an IRI names, the explorer's where it has one; None if not ours."""
        base = f"{self.site.settings.base_iri}id/"
        start = base if iri.startswith(base) else VOCABULARY
        kind, _, name = iri.removeprefix(start).partition("/")
        if iri.startswith(start) and kind in _PLACES and name and "/" not in name:
            return self.to(f"/{_PLACES[kind]}/{quote(name)}")
        for scheme in ("sector", "country"):
            concept = schemes()[scheme].find(iri)
            if concept:
                return self.to("/board", **{scheme: concept.slug})
        return self.site.path(iri)

    def iri(self, kind: str, name: str) -> str:
        """The IRI of a thing of this installation.

        Raises:
            WrongUsage: no IRI can end like that.
        """
        base = self.site.settings.base_iri
        return parse_iri(f"{base}id/{kind}/{name}", base_iri=base).value

    @cached_property
    def path(self) -> str:
        """The path of this page without its language, and without ``/embed``."""
        start = "" if self.language == LANGUAGES[0] else f"/{self.language}"
        return request.path.removeprefix(start).removeprefix(_EMBED) or "/"

    @cached_property
    def embedded(self) -> bool:
        """Whether the view is asked alone, for a frame of another site."""
        start = "" if self.language == LANGUAGES[0] else f"/{self.language}"
        return request.path.removeprefix(start).startswith(f"{_EMBED}/")

    @cached_property
    def frame(self) -> str:
        """The address of this view alone, whole, in this version."""
        start = "" if self.language == LANGUAGES[0] else f"/{self.language}"
        return self.absolute(_address(f"{start}{_EMBED}{quote(self.path)}", self._versioned()))

    @cached_property
    def whole(self) -> str:
        """The address of the page that an embedded view is a part of."""
        start = "" if self.language == LANGUAGES[0] else f"/{self.language}"
        return self.absolute(_address(f"{start}{quote(self.path)}", list(self.given.pairs)))

    @staticmethod
    def absolute(path: str) -> str:
        """The whole address of a path on this service."""
        return root().rstrip("/") + path

    def alternates(self) -> list[tuple[str, str]]:
        """Language → the address of this page in it, with the same values."""
        tail = f"?{urlencode(self.given.pairs)}" if self.given.pairs else ""
        starts = [(code, "" if code == LANGUAGES[0] else f"/{code}") for code in LANGUAGES]
        return [(code, quote(start + self.path) + tail) for code, start in starts]

    def on_each_sheet(self, title: str, which: str) -> Markup:
        """What a printed sheet names at its foot, as a string of CSS with nothing but escapes.

        Args:
            title: of the page.
            which: the version of the data, in words.
        """
        start = "" if self.language == LANGUAGES[0] else f"/{self.language}"
        here = self.absolute(_address(f"{start}{quote(self.path)}", self._versioned()))
        text = f"{title} · {here} · {which}"
        plain = (letter if letter.isalnum() else f"\\{ord(letter):x} " for letter in text)
        return Markup('"{}"').format("".join(plain))

    def render(self, template: str, *, scripted: bool = False, **shown: Any) -> Response:
        """The page as a response.

        Args:
            template: of the page.
            scripted: whether a script of ours is on it.
            shown: what the template shows.
        """
        g.language = self.language
        body = render_template(template, page=self, version=self.version, **shown)
        response = Response(body, content_type=HTML.content_type)
        response.headers["Content-Language"] = self.language
        if self.embedded:
            response.headers["Content-Security-Policy"] = FRAMED_POLICY
        elif scripted:
            response.headers["Content-Security-Policy"] = SCRIPTED_POLICY
        return self._conditions.mark(response, self._conditions.offers[0])

    def as_json(self, value: object) -> Response:
        """What a script on the page asked for."""
        response = Response(json.dumps(value), content_type="application/json")
        return self._conditions.mark(response, self._conditions.offers[0])

    def _versioned(self) -> list[tuple[str, str]]:
        """The parameters of this page, with the version that is shown."""
        pairs = [pair for pair in self.given.pairs if pair[0] != "version"]
        return [*pairs, ("version", str(self.version))]

    def _pinned(self, values: Mapping[str, Iterable[str]]) -> list[tuple[str, str]]:
        pairs = [(name, value) for name, several in values.items() for value in several]
        return [*pairs, ("version", str(self.version))] if self.pinned else pairs


def _several(values: Mapping[str, str | Iterable[str]]) -> dict[str, list[str]]:
    return {
        name: [value] if isinstance(value, str) else list(value) for name, value in values.items()
    }


def _address(path: str, pairs: list[tuple[str, str]]) -> str:
    return path + (f"?{urlencode(pairs)}" if pairs else "")
