"""A saved question: its values, its answer with small counts withheld, its measure and citation."""

import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, lru_cache, partial
from typing import Final

from coprod_kg.errors import LimitReached
from coprod_kg.formats.media_types import CRATE, GRAPHS, ROWS, WORKBOOK, Format
from coprod_kg.formats.table import Table, read_table
from coprod_kg.queries.ask import ask, bound
from coprod_kg.queries.caveat import caveat, caveat_of_claims, claims_of
from coprod_kg.queries.citation import Citation, canonical, cite
from coprod_kg.queries.content_hash import Content, content_of_graph, content_of_table, labelled
from coprod_kg.queries.crate import crate
from coprod_kg.queries.derived import MOST_BYTES, AskedQuery, crate_files
from coprod_kg.queries.labels import names_in, things_to_label, translated
from coprod_kg.queries.library import SavedQuery, views
from coprod_kg.queries.permitted_values import with_values_from
from coprod_kg.queries.saved import filled, part_of
from coprod_kg.queries.suppression import Part, protected
from coprod_kg.queries.unmentioned import note_on_unmentioned, text_of_mentioned
from coprod_kg.settings import Settings
from coprod_kg.store.base import Answer, Query, Store
from coprod_kg.store.formats import GRAPH_FORMATS, RESULT_FORMATS, rewritten
from coprod_kg.store.prepared import LARGEST_BYTES

__all__ = [
    "PAGE_BYTES",
    "SMALL",
    "Endpoint",
    "MeasuredAnswer",
    "Question",
    "bytes_within",
    "rows",
]

SMALL: Final = 256 << 10
"""Bytes of an answer in its plain format up to which it is measured before it is sent."""
PAGE_BYTES: Final = 2 << 20
"""The largest answer that is made into a page; a larger one is a download."""
_DAY_OR_NOW: Final = r"COALESCE\(STR\(\?{}\), (?:STR\(NOW\(\)\)|SUBSTR\(STR\(NOW\(\)\), 1, 10\))\)"
"""How a question writes a day that may be bound (``queries/README.md``)."""
_REMEMBERED: Final = 256
_JSON, _NTRIPLES = ROWS[0].media_type, GRAPHS[2].media_type


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where saved queries are asked, for one client.

    Attributes:
        store: what is asked in the end, and keeps what was cited.
        settings: the limits and names of the installation.
        queries: the saved queries there are, which list values for the parameters of others.
        ask: asks a query within the limits of the client.
        root: the address of the service, in permanent links.
        most_bytes: bytes of an answer that is read whole to be cited, or made into something.
    """

    store: Store
    settings: Settings
    queries: Mapping[str, SavedQuery]
    ask: Callable[[Query], Answer]
    root: str
    most_bytes: int = MOST_BYTES

    @classmethod
    def local(
        cls, store: Store, settings: Settings, queries: Mapping[str, SavedQuery]
    ) -> "Endpoint":
        """The endpoint of a process that asks the store itself; links name the service as set."""
        ask_store = partial(ask, store, settings=settings)
        return cls(store, settings, queries, ask_store, settings.root, sys.maxsize)

    def sparql(self, text: str, media_types: tuple[str, ...], version: int | None) -> Answer:
        """The answer to a query over the union of all graphs."""
        seconds = self.settings.query_seconds
        return self.ask(Query(text, media_types, version=version, seconds=seconds, union=True))

    def claims(self, version: int | None) -> tuple[int, int]:
        """How many claims of a version are secondary coding, and how many there are."""
        view = Question(self, views()["view-bases"], {}, version)
        return claims_of(view.table() or Table((), ()))

    def dated(self, version: int) -> datetime | None:
        """When a version was made, or None where that is not recorded."""
        text = (
            f"SELECT ?time WHERE {{ <{self.settings.base_iri}version/{version}> "
            "<http://www.w3.org/ns/prov#generatedAtTime> ?time }"
        )
        table = read_table(self.sparql(text, (_JSON,), version).read())
        return next((datetime.fromisoformat(row["time"]) for row in table.texts()), None)


@dataclass(frozen=True)
class Question:
    """A saved query bound to values.

    Attributes:
        endpoint: where it is asked.
        saved: the saved query.
        values: parameter → values as a person writes them.
        version: the dataset version, or None for the newest.
        seconds: the deadline, or None for that of the settings.
        part: which of the rows are wanted.
        language: that of the labels; empty for what the query says.
    """

    endpoint: Endpoint
    saved: SavedQuery
    values: Mapping[str, Sequence[str]]
    version: int | None = None
    seconds: float | None = None
    part: Part = (None, None)
    language: str = ""

    def with_permitted_values(self, *, every: bool = False) -> "Question":
        """The same question, its parameters knowing the values that other saved queries find.

        Args:
            every: whether also of those that are bound to none, whose values need no check.
        """
        if not any(parameter.values_from for parameter in self.saved.parameters):
            return self

        def source_table(source: SavedQuery) -> Table | None:
            return Question(self.endpoint, source, {}, self.version, self.seconds).table()

        source_queries = self.endpoint.queries, source_table, self.endpoint.settings.base_iri
        saved = with_values_from(self.saved, *source_queries, None if every else self.values)
        return self if saved is self.saved else replace(self, saved=saved)

    @cached_property
    def _terms(self) -> Mapping[str, str]:
        return self.saved.bound_terms(self.values, self.endpoint.settings.base_iri)

    @property
    def text(self) -> str:
        """The text with the values in, as people read it."""
        return filled(self.saved.text, self.saved.slots, self._terms) + part_of(self.part)

    @property
    def plain(self) -> str:
        """The media type that it is measured in."""
        return _NTRIPLES if self.saved.is_graph else _JSON

    def query(self, media_types: tuple[str, ...], part: Part | None = None) -> Query:
        """The query that is put to the store, of this question's part of the rows or of another.

        Raises:
            WrongUsage: lists every bad parameter.
        """
        settings, saved = self.endpoint.settings, self.saved
        bound_query = bound(saved.text, saved.slots, self._terms, settings)
        tail = part_of(self.part if part is None else part)
        days = [name.name for name in saved.parameters if name.today and name.name in self._terms]
        return replace(
            bound_query,
            text=_without_now(bound_query.text, days) + tail,
            sent=None if bound_query.sent is None else bound_query.sent + tail,
            media_types=media_types,
            version=self.version,
            seconds=settings.query_seconds if self.seconds is None else self.seconds,
        )

    def answer(self, media_types: tuple[str, ...] = ()) -> Answer:
        """The answer in the first of the formats that fits, small counts withheld.

        Raises:
            WrongUsage: lists every bad parameter.
            LimitReached: the whole answer is too large for its small counts to be looked for.
            CoprodError: what `ask` raises.
        """
        types = media_types or self.saved.media_types
        form, rule = self._first_fitting_type(types), self.saved.small_counts
        translating = bool(self.language) and not self.saved.is_graph
        if form is None or (rule is None and not translating):
            return self.endpoint.ask(self.query(types))
        whole_answer = self.endpoint.ask(self.query((_JSON,), (None, None) if rule else None))
        data = bytes_within(whole_answer, MOST_BYTES)
        if data is None:
            purpose = "to look for small counts" if rule else "to translate its labels"
            raise LimitReached(
                f"the answer is larger than {MOST_BYTES >> 20} MiB, too much {purpose}",
                fix="Bind more parameters.",
            )
        if rule:
            data = protected(data, rule, _JSON, self.part)
        if translating:
            data = self._translated(data, whole_answer.version)
        return _whole_answer(form, whole_answer.version, rewritten(data, _JSON, form))

    def _translated(self, data: bytes, version: int) -> bytes:
        table, base = read_table(data), self.endpoint.settings.base_iri
        things = sorted(things_to_label(table, self.language, base))
        names: Table | None = None
        if things:
            names = Question(
                self.endpoint, views()["view-labels"], {"thing": things}, version
            ).table()
        names_by_iri = names_in(names.rows if names else (), self.language)
        return translated(data, self.language, names_by_iri, self.saved.text)

    def measured(self, media_types: tuple[str, ...]) -> "tuple[Answer, MeasuredAnswer | None]":
        """The answer in the first of the formats that fits, and its measure if it is small.

        The store is asked once, in the plain format, from which the others follow; an answer that
        is too large for that is asked in its own format, so that it can be sent as it comes.
        """
        form = self._first_fitting_type(media_types)
        if form is None:
            return self.answer(media_types), None
        number = self.endpoint.store.version() if self.version is None else self.version
        if _known_large(self.text, number):
            return self.answer((form,)), None
        answer = self.answer((self.plain,))
        if answer.length is None or answer.length > SMALL:
            if form == self.plain:
                return answer, None
            data = bytes_within(answer, LARGEST_BYTES)
            if data is not None:  # to rewrite it is quicker than to ask again
                return _whole_answer(form, answer.version, rewritten(data, self.plain, form)), None
            _LARGE[self.text, answer.version] = None
            return self.answer((form,)), None
        data = answer.read()
        data = labelled(data, self.plain) if self.saved.is_graph else data
        # The caveat counts the claims of the version that answered, not of one a moment earlier.
        is_pinned = self.version == answer.version
        question = self if is_pinned else replace(self, version=answer.version)
        measured = MeasuredAnswer(question, answer.version, data)
        return _whole_answer(form, answer.version, rewritten(data, self.plain, form)), measured

    def measure(self, purpose: str = "to be measured here", fix: str = "") -> "MeasuredAnswer":
        """The whole answer, measured.

        Args:
            purpose: what it would be too large for, for the error.
            fix: what to do then.

        Raises:
            LimitReached: it is larger than the endpoint reads.
        """
        answer, most_bytes = self.answer((self.plain,)), self.endpoint.most_bytes
        data = bytes_within(answer, most_bytes)
        if data is None:
            raise LimitReached(
                f"the answer is larger than {most_bytes >> 20} MiB, too much {purpose}",
                fix=fix or "Bind more parameters, or cite a part of it with limit and offset.",
            )
        return MeasuredAnswer(replace(self, version=answer.version), answer.version, data)

    def table(self) -> Table | None:
        """The rows of the answer, or None where they are more than a page can show."""
        return rows(self.answer((_JSON,)))

    @cached_property
    def claims(self) -> tuple[int, int]:
        """How many claims in the dataset are secondary coding, and how many there are."""
        return self.endpoint.claims(self.version)

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The parameters that identify an answer: the values, and the part of the rows."""
        part = zip(("limit", "offset", "lang"), (*self.part, self.language), strict=True)
        part_pairs = tuple((name, str(value)) for name, value in part if value)
        return (*canonical(self.saved, self.values), *part_pairs)

    def note(self, version: int | None) -> str:
        """A sentence on the things among its values that a version does not mention, or nothing.

        It is a note and no refusal: one may well ask about a thing that only others mention.
        """
        names = [name.name for name in self.saved.parameters if name.type == "iri"]
        iris = [iri for name in names for iri in self._terms.get(name, "").split()]
        if not iris:
            return ""
        found = self.endpoint.sparql(text_of_mentioned(iris), (_JSON,), version).read()
        base = self.endpoint.settings.base_iri
        return note_on_unmentioned(iris, read_table(found), base, self.language)

    def noted_answer(self, media_types: tuple[str, ...]) -> Answer:
        """The answer in the first of the formats that fits, with its note where it has no rows."""
        # Only an answer that could have a note is measured; every other one streams.
        if not self.note(self.version):
            return self.answer(media_types)
        answer, found = self.measured(media_types)
        return replace(answer, note=found.note if found else "")

    def _first_fitting_type(self, media_types: Iterable[str]) -> str | None:
        formats = GRAPH_FORMATS if self.saved.is_graph else RESULT_FORMATS
        return next((media_type for media_type in media_types if media_type in formats), None)


@dataclass(frozen=True)
class MeasuredAnswer:
    """The whole answer of a saved query over one version: what it says, measured and cited.

    Attributes:
        question: the saved query as it was asked.
        version: the dataset version that answered.
        data: the answer as SPARQL JSON results or N-Triples.
    """

    question: Question
    version: int
    data: bytes

    @cached_property
    def content(self) -> Content:
        """The measure."""
        measure = _measure if len(self.data) <= SMALL else _measure.__wrapped__
        return measure(self.data, self.question.saved.is_graph, self.question.claims)

    @cached_property
    def note(self) -> str:
        """Where the answer is empty: which things among the values the data do not mention."""
        return "" if self.content.rows else self.question.note(self.version)

    def citation(self) -> Citation:
        """The citation of the answer."""
        question, endpoint = self.question, self.question.endpoint
        lineage = endpoint.store.identity().lineage
        dataset_place = (endpoint.root, self.version, lineage, endpoint.dated(self.version))
        cited = cite(question.saved, question.pairs, self.content, dataset_place, question.language)
        return replace(cited, caveat=self._caveat()) if question.language else cited

    def _caveat(self) -> str:
        """The caveat of the answer, in the language of the question."""
        if not self.content.caveat:
            return ""
        claims, language = self.question.claims, self.question.language
        if self.question.saved.is_graph:
            return caveat_of_claims(claims, language=language)
        return caveat(read_table(self.data), claims, language, has_headings=True)

    def cited(self) -> Citation:
        """The citation, with its version kept from now on, since it is handed out."""
        citation = self.citation()
        self.question.endpoint.store.cite(self.version)
        return citation

    def in_format(self, form: Format) -> bytes:
        """The answer as a chart, a workbook, CSV for Excel or a crate.

        Raises:
            NotFound: it is a chart, and the query has none.
            CoprodError: it cannot be made, or not within the limits.
        """
        question = self.question
        asked_query = AskedQuery(
            question.saved,
            question.values,
            self.version,
            question.endpoint.settings.queries,
            claims=question.claims,
            language=question.language,
        )
        if form == CRATE:
            crate_contents = crate_files(asked_query, self.data)
            return crate(self.cited(), question.saved, question.text, crate_contents)
        if form == WORKBOOK:
            asked_query = replace(asked_query, cited=f"{self.cited().sentence}.")
        return asked_query.in_format(form, read_table(self.data))


_LARGE: Final = dict[tuple[str, int], None]()
"""Bound text and version of answers that were large: each is asked in its own format at once."""


def _known_large(text: str, version: int) -> bool:
    while len(_LARGE) > _REMEMBERED:
        _LARGE.pop(next(iter(_LARGE)), None)
    return (text, version) in _LARGE


@lru_cache(maxsize=64)
def _measure(data: bytes, graph: bool, claims: tuple[int, int]) -> Content:
    """The measure of the bytes of an answer; small ones are asked again and again."""
    if graph:
        return content_of_graph(data, claims)
    return content_of_table(read_table(data), claims)


def _without_now(text: str, days: Iterable[str]) -> str:
    """The text without NOW() where a day that is bound comes before it: the answer stays, then."""
    for name in days:
        text = re.sub(_DAY_OR_NOW.format(name), f"STR(?{name})", text)
    return text


def _whole_answer(media_type: str, version: int, data: bytes) -> Answer:
    return Answer(media_type, version, len(data), iter((data,)))


def bytes_within(answer: Answer, most_bytes: int = PAGE_BYTES) -> bytes | None:
    """The bytes of an answer, or None where they are more than that; the answer is closed."""
    with answer:
        if answer.length is not None and answer.length > most_bytes:
            return None
        data = bytearray()
        for chunk in answer.chunks:
            data += chunk
            if len(data) > most_bytes:
                return None
    return bytes(data)


def rows(answer: Answer) -> Table | None:
    """The rows of an answer for a page, or None where they are more than a page can show."""
    data = bytes_within(answer)
    return None if data is None else read_table(data)
