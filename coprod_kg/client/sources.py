"""The sources that a client asks: a service (`Remote`), or the store of a data folder."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, Protocol, TypeVar

from coprod_kg.errors import NotAcceptable, NotFound
from coprod_kg.formats.media_types import CRATE, GRAPHS, ROWS, WORKBOOK, Format, by_name
from coprod_kg.publishing.graphs import publish_model
from coprod_kg.queries.derived import DERIVED, formats_of
from coprod_kg.queries.library import SavedQuery
from coprod_kg.queries.parameters import did_you_mean
from coprod_kg.queries.question import Endpoint, Question
from coprod_kg.settings import Settings
from coprod_kg.store import local
from coprod_kg.store.base import Answer, Query, Store
from coprod_kg.store.directory import DataDirectory
from coprod_kg.store.snapshots import Snapshots

__all__ = [
    "CITATIONS",
    "AnswerSource",
    "BoundQuestion",
    "Folder",
    "Values",
    "open_store",
    "saved_query_named",
]

_Entry = TypeVar("_Entry")
"""A saved query itself, or its entry in the catalogue of a service."""
_GRAPH_FORMS: Final = ("CONSTRUCT", "DESCRIBE")
_GRAPH_TYPES: Final = frozenset(form.media_type for form in GRAPHS)
CITATIONS: Final = ("text", "bibtex", "csl")
"""What a citation can be written as."""

Values = Mapping[str, Sequence[str]]
"""What a saved query is bound to: parameter → its values, as texts."""


class AnswerSource(Protocol):
    """Where answers come from."""

    def opened(self) -> AbstractContextManager["AnswerSource"]:
        """The same source, open as long as the context lasts."""

    def queries(self) -> list[dict[str, Any]]:
        """The catalogue's entries of all saved queries."""

    def described(self, name: str) -> Mapping[str, Any]:
        """The catalogue's entry of a saved query.

        Raises:
            NotFound: there is none of that name; says which may be meant.
        """

    def query(
        self, name: str, values: Values, media_types: tuple[str, ...], version: int | None
    ) -> Answer:
        """The answer of a saved query, also as a chart, a workbook or a crate."""

    def cited(self, name: str, values: Values, form: str, version: int | None) -> str:
        """The citation of an answer, in one of `CITATIONS`."""

    def sparql(self, text: str, media_types: tuple[str, ...], version: int | None) -> Answer:
        """The answer of a query."""

    def assessment(
        self, name: str, form: str, language: str = "en", *, every_stage: bool = False
    ) -> str:
        """An assessment as JSON or text; a bare name means an initiative."""

    def newest(self) -> int:
        """The newest version there is."""


@contextmanager
def open_store(settings: Settings, *, create: bool = False) -> Iterator[Store]:
    """The store of the data directory: the running service's, or one opened for this command.

    Args:
        settings: where the data lies.
        create: whether to make a store where there is none, for a command that writes.

    Raises:
        StoreInUse: a process holds the directory that serves no store.
        StoreUnavailable: there is no store, or it cannot be opened.
    """
    with local.connect(settings, create=create) as store:
        publish_model(store, settings.base_iri)
        yield store


@dataclass(frozen=True)
class Folder:
    """The store of a data folder.

    Attributes:
        settings: where the data is.
        saved_queries: by name.
        store: the store; None while it is closed.
    """

    settings: Settings
    saved_queries: Mapping[str, SavedQuery]
    store: Store | None = None

    @contextmanager
    def opened(self) -> Iterator["Folder"]:
        """The same folder, its store open as long as the context lasts."""
        if self.store is not None:
            yield self
        else:
            with open_store(self.settings) as store:
                yield Folder(self.settings, self.saved_queries, store)

    def queries(self) -> list[dict[str, Any]]:
        """The catalogue's entries of all saved queries."""
        return [query.described() for query in self.saved_queries.values()]

    def described(self, name: str) -> Mapping[str, Any]:
        """The catalogue's entry of a saved query."""
        return saved_query_named(self.saved_queries, name).described()

    def query(
        self, name: str, values: Values, media_types: tuple[str, ...], version: int | None
    ) -> Answer:
        """The answer of a saved query, also as a chart, a workbook or a crate.

        Raises:
            NotFound: it has no such format.
            CoprodError: what `coprod_kg.queries.question.Question.answer` raises.
        """
        question = self._question(name, values, version)
        derived = next(
            (form for form in (*DERIVED, CRATE) if media_types == (form.media_type,)), None
        )
        try:
            if derived is None:
                return question.noted_answer(media_types)
            if derived not in formats_of(question.saved, self.settings.queries):
                raise NotAcceptable(f"the question {name} has no {derived.label}")
        except NotAcceptable:
            raise _no_such_format(self.described(name), media_types) from None
        measured = question.measure()
        data = measured.in_format(derived)
        return Answer(derived.media_type, measured.version, len(data), iter((data,)))

    def cited(self, name: str, values: Values, form: str, version: int | None) -> str:
        """The citation of an answer; its version is kept from now on."""
        citation = self._question(name, values, version).measure().cited()
        return {"text": citation.text, "bibtex": citation.bibtex, "csl": citation.csl_text}[form]()

    def sparql(self, text: str, media_types: tuple[str, ...], version: int | None) -> Answer:
        """The answer of a query."""
        union = self.settings.default_graph == "union"
        seconds = self.settings.query_seconds
        query = Query(text, media_types, version=version, seconds=seconds, union=union)
        return self._endpoint.ask(query)

    def assessment(
        self, name: str, form: str, language: str = "en", *, every_stage: bool = False
    ) -> str:
        """An assessment as JSON or text; a bare name means an initiative.

        Raises:
            NotFound: nothing that can be assessed has that name; says what was perhaps meant.
        """
        # Most commands assess nothing: these take a fifth of the time of their start.
        from coprod_kg.assessment.explanation import Explainer
        from coprod_kg.assessment.search import find
        from coprod_kg.assessment.text import as_lines
        from coprod_kg.assessment.values import as_values

        base, store = self.settings.base_iri, self._opened
        explainer = Explainer(store, self.settings, language)
        path = name if "/" in name else f"initiative/{name}"
        (subject,) = find([path], store, base, language)
        explanation = explainer.explain(subject)
        if form == "json":
            return json.dumps(as_values(explanation, explainer.profiles), ensure_ascii=False)
        return "\n".join(as_lines(explanation, base, every=every_stage))

    def newest(self) -> int:
        """The newest version there is; the store stays closed."""
        return Snapshots(DataDirectory(self.settings.data).snapshots).current()

    @property
    def _opened(self) -> Store:
        if self.store is None:
            raise ValueError("the store of this folder is closed")
        return self.store

    @property
    def _endpoint(self) -> Endpoint:
        endpoint = Endpoint.local(self._opened, self.settings, self.saved_queries)
        # Links lead to the service that runs over this folder, where settings name no other.
        url = DataDirectory(self.settings.data).holder().get("url")
        return (
            endpoint if self.settings.public_url or not url else replace(endpoint, root=f"{url}/")
        )

    def _question(self, name: str, values: Values, version: int | None) -> Question:
        return Question(
            self._endpoint, saved_query_named(self.saved_queries, name), values, version
        ).with_permitted_values()


@dataclass(frozen=True)
class BoundQuestion:
    """A saved query of a source, bound to values; the source is opened and closed each time.

    Attributes:
        source: what is asked.
        name: of the saved query.
        values: what it is bound to.
    """

    source: AnswerSource
    name: str
    values: Values

    @cached_property
    def described(self) -> Mapping[str, Any]:
        """Its entry in the catalogue.

        Raises:
            NotFound: there is none of that name; says which may be meant.
        """
        return self.source.described(self.name)

    @contextmanager
    def answer(
        self, media_types: tuple[str, ...], derived: Format | None, version: int | None
    ) -> Iterator[Answer]:
        """The answer, in one of the formats, or made into a chart, a workbook or a crate.

        Args:
            media_types: the formats that fit, best first; unused where `derived` is given.
            derived: what to make of the rows, or None.
            version: of the data; None for the newest.

        Raises:
            NotFound: there is no such query, or it has no such format.
            CoprodError: it is not answered.
        """
        types = (derived.media_type,) if derived else media_types
        if types[0] in _GRAPH_TYPES and self.described["form"] not in _GRAPH_FORMS:
            # A service would answer with its description of the query, which is a graph.
            raise _no_such_format(self.described, types)
        with self.source.opened() as source:
            try:
                opened_answer = source.query(self.name, self.values, types, version)
            except NotFound:
                _ = self.described  # says which query may be meant
                raise
            except NotAcceptable:
                raise _no_such_format(self.described, types) from None
            with opened_answer:
                yield opened_answer

    def cited(self, form: str, version: int | None) -> str:
        """The citation of the answer, in one of `CITATIONS`."""
        with self.source.opened() as source:
            return source.cited(self.name, self.values, form, version)

    def newest(self) -> int:
        """The newest version there is."""
        return self.source.newest()


def saved_query_named(
    queries: Mapping[str, _Entry], name: str, listing: str = "coprod-kg queries"
) -> _Entry:
    """The saved query of that name.

    Raises:
        NotFound: there is none; says which may be meant.
    """
    if name not in queries:
        raise NotFound(
            f"there is no saved query {name!r}{did_you_mean(name, queries)}",
            fix=f"{listing} lists them all, and with words or --tag those that you look for.",
        )
    return queries[name]


def _no_such_format(entry: Mapping[str, Any], media_types: tuple[str, ...]) -> NotFound:
    """The error for a format that a saved query does not have; names those it has."""
    graph = entry["form"] in _GRAPH_FORMS
    format_names = [form.name for form in (GRAPHS if graph else (*ROWS, WORKBOOK))]
    form = by_name(media_types[0])[0]
    label = form.name if form in (*DERIVED, CRATE) else form.label
    return NotFound(
        f"the question {entry['name']} has no {label}",
        fix=f"It can be {', '.join(format_names)} or crate.",
    )
