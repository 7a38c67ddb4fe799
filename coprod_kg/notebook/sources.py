"""What a connection asks: a data folder, in the words of a service; it never goes over HTTP."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from coprod_kg.answering import ask, run_saved
from coprod_kg.catalogue.queries import load_all
from coprod_kg.errors import NotFound
from coprod_kg.results.formats import by_name
from coprod_kg.results.made import Asked, formats_made
from coprod_kg.results.table import read_table
from coprod_kg.settings import Settings
from coprod_kg.store.base import Answer, Query, Store

__all__ = ["Folder", "Source", "Values"]

Values = Mapping[str, Sequence[str]]
"""What a saved query is bound to."""


class Source(Protocol):
    """Where answers come from."""

    def queries(self) -> list[dict[str, Any]]:
        """What the catalogue says of each saved query."""

    def query(
        self, name: str, values: Values, media_types: tuple[str, ...], version: int | None
    ) -> Answer:
        """The answer of a saved query."""

    def sparql(self, text: str, media_types: tuple[str, ...], version: int | None) -> Answer:
        """The answer of a query."""


class Folder:
    """The open store of a data folder."""

    def __init__(self, store: Store, settings: Settings) -> None:
        """Read the saved queries."""
        self._store = store
        self._settings = settings
        self._known = load_all(settings.queries)

    def queries(self) -> list[dict[str, Any]]:
        """What the catalogue says of each saved query."""
        return [one.described() for one in self._known.values()]

    def query(
        self, name: str, values: Values, media_types: tuple[str, ...], version: int | None
    ) -> Answer:
        """The answer of a saved query, or its chart."""
        saved, own = self._known[name], self._settings.queries
        chart = by_name("svg")[0]
        if media_types != (chart.media_type,):
            return run_saved(
                self._store, saved, values, self._asking("", media_types, version), self._settings
            )
        if chart not in formats_made(saved, own):
            raise NotFound(f"the question {name} has no chart", fix="Take a frame: .to_pandas()")
        with self.query(name, values, saved.media_types, version) as answer:
            table = read_table(answer.read())
        data = Asked(saved, values, answer.version, own).made(chart, table)
        return Answer(chart.media_type, answer.version, len(data), iter((data,)))

    def sparql(self, text: str, media_types: tuple[str, ...], version: int | None) -> Answer:
        """The answer of a query."""
        return ask(self._store, self._asking(text, media_types, version), self._settings)

    def _asking(self, text: str, media_types: tuple[str, ...], version: int | None) -> Query:
        union = self._settings.default_graph == "union"
        seconds = self._settings.query_seconds
        return Query(text, media_types, version=version, seconds=seconds, union=union)
