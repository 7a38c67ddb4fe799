"""Queries that the engine answers, and which of them are left to the snapshots of this machine.

The engine is asked for what most clients ask: the newest version, whole, with no dataset named, no
other service called and no IRI that it would take for another. An answer counts if the engine held
that version before and after it. What it does not answer, or answers by halves, the snapshots do,
which hold the same.
"""

import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from coprod_kg.errors import (
    DataError,
    NotAcceptable,
    QueryFailed,
    QueryTimeout,
    RequestError,
    StoreError,
    StoreUnavailable,
)
from coprod_kg.sparql.dataset import may_name_graphs
from coprod_kg.sparql.tokens import significant
from coprod_kg.store import merged
from coprod_kg.store.base import NOTHING, Answer, Query
from coprod_kg.store.formats import GRAPH_FORMATS, RESULT_FORMATS, rewritten
from coprod_kg.store.remote import control
from coprod_kg.store.remote.client import Engine

__all__ = ["EngineAnswers"]

_FORMS: Final = ("SELECT", "ASK", "CONSTRUCT", "DESCRIBE")
_ROWS: Final = "application/sparql-results+json"
_TRIPLES: Final = "application/n-triples"
_MOST: Final = 16 << 20
"""Bytes of an answer that are taken from the engine: it is whole before its version is known."""
_REST_SECONDS: Final = 5.0
"""How long an engine that was silent is left alone."""


@dataclass(slots=True)
class EngineAnswers:
    """Answers of one engine, for one process that asks it.

    Attributes:
        engine: the endpoints.
        most_seconds: no query has a longer deadline.
        base_iri: against which relative IRIs of a query are read; an engine would take its own
            address.
    """

    engine: Engine
    most_seconds: float
    base_iri: str
    _named: tuple[int, tuple[str, ...]] = (-1, ())
    _rests_until: float = 0.0
    _silent: bool = False

    def answer(self, query: Query, newest: int) -> Answer | None:
        """The engine's answer to a query, or None where the snapshots have to give it.

        Args:
            query: what is asked.
            newest: the newest version of this machine.

        Raises:
            QueryTimeout: the deadline passed.
            RequestError: the client cancelled the query.
        """
        if query.version not in (None, newest) or not _whole(query):
            return None
        if self.engine.kind.alters(query.text):
            return None
        media_type = _wanted(query)
        if media_type is None or time.monotonic() < self._rests_until:
            return None
        try:
            dataset = self._dataset(query, newest)
            if dataset is None:
                return None
            before = _TRIPLES if media_type in GRAPH_FORMATS else _ROWS
            data = self._asked(query, before, dataset)
            if control.version(self.engine) != newest:
                return None
            body = rewritten(data, before, media_type, foreign=True)
        except StoreUnavailable as error:
            self._rest(error)
            return None
        except (StoreError, DataError, QueryFailed, NotAcceptable):
            return None  # refused, too long, not whole, or not to be written so
        self._silent = False
        return Answer(media_type, newest, len(body), iter((body,)))

    def _rest(self, error: StoreUnavailable) -> None:
        """Leave the engine alone for a moment, and say once that it is silent."""
        self._rests_until = time.monotonic() + _REST_SECONDS
        if not self._silent:
            sys.stderr.write(f"coprod-kg: {error.what}; the data directory answers meanwhile\n")
        self._silent = True

    def _asked(self, query: Query, media_type: str, dataset: tuple[tuple[str, str], ...]) -> bytes:
        seconds = min(query.seconds, self.most_seconds)
        try:
            return self.engine.query(
                f"BASE <{self.base_iri}> {query.text}",
                media_type,
                dataset,
                seconds,
                _MOST,
                query.cancellation,
            )
        except QueryTimeout:
            raise QueryTimeout(
                f"the query was stopped after {seconds:g} seconds",
                fix="Ask for less: bind more terms, or write MINUS in place of FILTER NOT EXISTS. "
                "The deadline is the setting query-seconds.",
            ) from None
        except StoreUnavailable:
            if query.cancellation is not None and query.cancellation.cancelled:
                raise RequestError("whoever asked has left") from None
            raise

    def _dataset(self, query: Query, newest: int) -> tuple[tuple[str, str], ...] | None:
        """The parameters that name the dataset; None where the engine has another version."""
        default = control.MERGED if query.union else merged.CLIENT_DEFAULT.value
        named: Iterable[str] = ()
        if may_name_graphs(query.text):
            if self._named[0] != newest:
                self._named = control.named(self.engine)
            if self._named[0] != newest:
                return None
            named = (graph for graph in self._named[1] if graph not in query.excluded_graphs)
        return (
            ("default-graph-uri", default),
            *(("named-graph-uri", graph) for graph in named),
        )


def _whole(query: Query) -> bool:
    """Whether a query is of all the data, names no part of it and calls nobody."""
    datasets = query.default_graphs or query.named_graphs or query.dataset_query is not None
    return query.hidden == NOTHING and not query.calls and not datasets


def _wanted(query: Query) -> str | None:
    """The first media type that fits the form of the query; None where there is none.

    What DESCRIBE says of a thing is each engine's own, so it is left to the one within.
    """
    token = next((token for token in significant(query.text) if token.is_word(*_FORMS)), None)
    if token is None or token.is_word("DESCRIBE"):
        return None
    formats = GRAPH_FORMATS if token.is_word("CONSTRUCT") else RESULT_FORMATS
    return next((wanted for wanted in query.media_types if wanted in formats), None)
