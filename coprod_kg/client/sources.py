"""The sources that a connection can ask: a service, or the store of a data folder."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from coprod_kg.client.questions import LocalQuestion
from coprod_kg.formats.media_types import CRATE
from coprod_kg.queries.ask import ask
from coprod_kg.queries.derived import MADE
from coprod_kg.queries.library import load_all
from coprod_kg.queries.submitted.graph import Collection
from coprod_kg.settings import Settings
from coprod_kg.store.base import Answer, Query, Store

__all__ = ["AnswerSource", "Folder", "Values"]

Values = Mapping[str, Sequence[str]]
"""What a saved query is bound to."""


class AnswerSource(Protocol):
    """Where answers come from."""

    def queries(self) -> list[dict[str, Any]]:
        """What the catalogue says of each saved query."""

    def query(
        self, name: str, values: Values, media_types: tuple[str, ...], version: int | None
    ) -> Answer:
        """The answer of a saved query, also as a chart, a workbook or a crate."""

    def cited(self, name: str, values: Values, form: str, version: int | None) -> str:
        """The citation of an answer: ``text``, ``bibtex`` or ``csl``."""

    def sparql(self, text: str, media_types: tuple[str, ...], version: int | None) -> Answer:
        """The answer of a query."""


class Folder:
    """The open store of a data folder."""

    def __init__(self, store: Store, settings: Settings) -> None:
        """Read the saved queries."""
        self._store = store
        self._settings = settings
        submitted = Collection(store, settings).seen()
        self._known = {**submitted, **load_all(settings.queries)}

    def queries(self) -> list[dict[str, Any]]:
        """What the catalogue says of each saved query."""
        return [query.described() for query in self._known.values()]

    def query(
        self, name: str, values: Values, media_types: tuple[str, ...], version: int | None
    ) -> Answer:
        """The answer of a saved query, also as a chart, a workbook or a crate."""
        made = next((form for form in (*MADE, CRATE) if media_types == (form.media_type,)), None)
        return self._here(name, values).answer(self._store, media_types, made, version)

    def cited(self, name: str, values: Values, form: str, version: int | None) -> str:
        """The citation of an answer: ``text``, ``bibtex`` or ``csl``."""
        return self._here(name, values).citation(self._store, form, version)

    def sparql(self, text: str, media_types: tuple[str, ...], version: int | None) -> Answer:
        """The answer of a query."""
        union = self._settings.default_graph == "union"
        seconds = self._settings.query_seconds
        asking = Query(text, media_types, version=version, seconds=seconds, union=union)
        return ask(self._store, asking, self._settings)

    def _here(self, name: str, values: Values) -> LocalQuestion:
        return LocalQuestion(self._known[name], values, self._settings)
