"""Evaluation of a query: admission, rewriting for the engine, the store, syntax errors in words."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from coprod_kg.errors import QuerySyntax
from coprod_kg.formats.table import Table, read_table
from coprod_kg.queries.library import SavedQuery, load_all
from coprod_kg.queries.permitted_values import permitting
from coprod_kg.queries.suppression import ask_withholding
from coprod_kg.settings import Settings
from coprod_kg.sparql.admission import admit
from coprod_kg.sparql.dataset import dataset_of
from coprod_kg.sparql.not_exists import subtracted
from coprod_kg.sparql.query_dialect import named_aggregates_repeated, respelt
from coprod_kg.sparql.syntax import explained
from coprod_kg.store.base import Answer, Query, Store

__all__ = ["admitted", "ask", "permitted", "run_saved"]

_MARK: Final = "\ufeff"
"""A byte order mark: how some programs begin a text, of which it is no part."""
_GRAPH: Final = re.compile(r"graph|\\u", re.IGNORECASE)
_RECORDS: Final = ("ontology", "provenance", "catalogue", "queries")


def ask(store: Store, query: Query, settings: Settings) -> Answer:
    """Admit a query and ask it.

    A query that names its dataset (FROM, or the graphs of the request) is asked over just that,
    several graphs merged as one. Where the default graph is strict, a dataset that nothing names
    is the data: the graphs in which this software keeps its records are part of it only for a
    query that writes out the base IRI.

    Raises:
        QueryRefused: it calls a service that the settings do not allow, or loads something.
        CoprodError: what `coprod_kg.store.base.Store.query` raises.
    """
    plain = _plain(query, settings)
    spellings = (_spelt(plain.text), plain.text, _spelt(named_aggregates_repeated(plain.text)))
    refused = dict[str, QuerySyntax]()
    for text in dict.fromkeys(spellings):
        try:
            return store.query(plain if text == plain.text else replace(plain, text=text))
        except QuerySyntax as error:
            refused[text] = error
    # What is wrong is told of the text that was sent.
    raise explained(refused[plain.text], query.text.removeprefix(_MARK)) from None


def admitted(query: Query, settings: Settings) -> Query:
    """The query as it is put to a store first; raises what `ask` raises before that."""
    plain = _plain(query, settings)
    text = _spelt(plain.text)
    return plain if text == plain.text else replace(plain, text=text)


def _spelt(text: str) -> str:
    return respelt(subtracted(text))


def _plain(query: Query, settings: Settings) -> Query:
    text = query.text.removeprefix(_MARK)
    admission = admit(text, settings)
    named = bool(query.default_graphs or query.named_graphs)
    dataset = None if named else dataset_of(text)
    said = named or dataset is not None
    union = query.union and not said
    apart = () if union or said else _apart(text, settings)
    changed = replace(
        query, text=admission.text, calls=admission.calls, union=union, dataset=dataset, apart=apart
    )
    return query if changed == query else changed


def _apart(text: str, settings: Settings) -> tuple[str, ...]:
    strict = settings.default_graph == "strict"
    if not strict or settings.base_iri in text or not _GRAPH.search(text):
        return ()
    return tuple(f"{settings.base_iri}graph/{name}" for name in _RECORDS)


def run_saved(
    store: Store,
    saved: SavedQuery,
    values: Mapping[str, Sequence[str]],
    asking: Query,
    settings: Settings,
) -> Answer:
    """Bind a saved query to values and ask it.

    Args:
        store: what is asked.
        saved: the saved query.
        values: parameter → values as a person writes them.
        asking: media types, version and deadline; its text is not looked at.
        settings: the base IRI, what SERVICE may call, and where other saved queries are.

    Raises:
        WrongUsage: lists every bad parameter.
        CoprodError: what `ask` raises.
    """
    saved = permitted(store, saved, values, asking, settings)
    bound = Query(
        saved.bind(values, settings.base_iri),
        asking.media_types or saved.media_types,
        version=asking.version,
        seconds=asking.seconds,
        union=True,
    )
    return ask_withholding(
        partial(ask, store, settings=settings), saved.small_counts, bound, bound.text
    )


def permitted(
    store: Store,
    saved: SavedQuery,
    values: Mapping[str, Sequence[str]] | None,
    asking: Query,
    settings: Settings,
) -> SavedQuery:
    """The saved query, its parameters knowing the values that other saved queries find.

    Args:
        store: what is asked.
        saved: the saved query; one that takes no values from others costs nothing.
        values: what it is bound to, where only that is to be checked.
        asking: version and deadline.
        settings: where other saved queries are.
    """
    if not any(parameter.values_from for parameter in saved.parameters):
        return saved

    def rows(source: SavedQuery) -> Table:
        text = source.bind({}, settings.base_iri)
        alike = replace(asking, text=text, media_types=source.media_types, union=True)
        return read_table(ask(store, alike, settings).read())

    return permitting(saved, load_all(settings.queries), rows, settings.base_iri, values)
