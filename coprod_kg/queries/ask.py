"""Asking a query: bind its values, admit its text, put it to the store.

A text is admitted and rewritten for the engine by its tokens. The text of a saved query is admitted
once in a process; its values are then put into the admitted text, as terms.
"""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cache, lru_cache
from typing import Final

from pyoxigraph import NamedNode

from coprod_kg.errors import QueryRefused, QuerySyntax
from coprod_kg.formats.media_types import ROWS
from coprod_kg.model.files import files
from coprod_kg.model.terms import serialise
from coprod_kg.queries.library import SavedQuery, views
from coprod_kg.queries.saved import ParameterSlot, filled, slots_of
from coprod_kg.settings import Settings
from coprod_kg.sparql.admission import admit
from coprod_kg.sparql.dataset import dataset_of, may_name_graphs
from coprod_kg.sparql.not_exists import not_exists_to_minus
from coprod_kg.sparql.query_dialect import named_aggregates_repeated, rewrite_query
from coprod_kg.sparql.syntax import explain_error
from coprod_kg.sparql.tokens import significant
from coprod_kg.sparql.update_targets import is_unambiguous
from coprod_kg.store.base import Answer, Query, Store

__all__ = ["admitted", "ask", "ask_own", "bound", "near_texts", "prepare", "prepare_all"]

_MARK: Final = "\ufeff"
"""A byte order mark: how some programs begin a text, of which it is no part."""
_RECORDS: Final = ("ontology", "provenance", "catalogue", "queries")
_LOOKED_AT: Final = re.compile(r"[\\'#]|service|load", re.IGNORECASE)
"""What in a term could change how text around it is read: both are then admitted together."""
_NEAR: Final = "near"
_DATATYPE: Final = "^^<http://www.w3.org/2001/XMLSchema#"
_JSON: Final = ROWS[0].media_type


def ask(store: Store, query: Query, settings: Settings) -> Answer:
    """Admit a query and ask it.

    A query that names its dataset (FROM, or the graphs of the request) is asked over just that,
    several graphs merged as one. Where the default graph is strict, a dataset that nothing names
    is the data: the graphs in which this software keeps its records are part of it only for a
    query that writes out the base IRI.

    A text that the engine refuses is asked again as it was sent, then with its aggregates repeated.

    Raises:
        QueryRefused: it calls a service that the settings do not allow, or loads something.
        CoprodError: what `coprod_kg.store.base.Store.query` raises.
    """
    prepared = admitted(query, settings)
    try:
        return store.query(prepared)
    except QuerySyntax as error:
        refusals = {prepared.text: error}
    sent = prepared.text if prepared.sent is None else prepared.sent
    # Our rewriting may be what the engine refused.
    plain = _admit(replace(query, text=sent, sent=None), settings)
    for text in (plain.text, _rewritten(named_aggregates_repeated(plain.text))):
        if text not in refusals:
            try:
                return store.query(replace(plain, text=text))
            except QuerySyntax as error:
                refusals[text] = error
    # The line and column of the error are those of the client's text, not of a rewritten one.
    raise explain_error(refusals[plain.text], sent.removeprefix(_MARK)) from None


def admitted(query: Query, settings: Settings) -> Query:
    """The query, admitted and rewritten for the engine; raises what `ask` raises before it asks."""
    if query.sent is not None:
        return query
    return _admit(query, settings, rewrite=True)


def _rewritten(text: str) -> str:
    return rewrite_query(not_exists_to_minus(text))


def _admit(query: Query, settings: Settings, *, rewrite: bool = False) -> Query:
    """The query, admitted, and rewritten for the engine where that is wanted."""
    text = query.text.removeprefix(_MARK)
    admission = admit(text, settings)
    named_by_request = bool(query.default_graphs or query.named_graphs)
    dataset = None if named_by_request else dataset_of(text)
    dataset_named = named_by_request or dataset is not None
    union = query.union and not dataset_named
    excluded = () if union or dataset_named else _record_graphs(text, settings)
    return replace(
        query,
        text=_rewritten(admission.text) if rewrite else admission.text,
        sent=query.text if rewrite else query.sent,
        calls=admission.calls,
        union=union,
        dataset_query=dataset,
        excluded_graphs=excluded,
    )


def _record_graphs(text: str, settings: Settings) -> tuple[str, ...]:
    strict = settings.default_graph == "strict"
    if not strict or settings.base_iri in text or not may_name_graphs(text):
        return ()
    return tuple(f"{settings.base_iri}graph/{name}" for name in _RECORDS)


@lru_cache(maxsize=2048)
def prepare(
    text: str, service_allow: tuple[str, ...]
) -> tuple[Query, tuple[ParameterSlot, ...] | None]:
    """A saved query's text as it is put to the store, and where its values go in it.

    Where its tokens could be read in two ways, it has no such places (None): the text is then
    admitted with its values in, each time.

    Args:
        text: the whole text, asked over the union of all graphs.
        service_allow: what SERVICE may call, as the setting says.

    Raises:
        QueryRefused: it calls a service that the settings do not allow.
    """
    query = admitted(Query(text, ()), Settings(service_allow=service_allow))
    unclear = "\\" in text or not is_unambiguous(list(significant(text)))
    return query, None if unclear else slots_of(query.text)


def prepare_all(queries: Iterable[SavedQuery], settings: Settings) -> None:
    """Prepare the texts of some queries; one that is not permitted is refused when it is asked."""
    for query in queries:
        with suppress(QueryRefused):
            prepare(query.text, settings.service_allow)


def near_texts(settings: Settings) -> tuple[tuple[str, str], ...]:
    """The texts before and after the IRI of the thing, in our views that read only what is near it.

    A view says so by its tag ``near`` (`queries/README.md`), and has one parameter.
    """
    texts = []
    for view in views().values():
        if _NEAR in view.tags:
            query, slots = prepare(view.text, settings.service_allow)
            for slot in slots or ():
                texts.append((query.text[: slot.start], query.text[slot.end :]))
    return tuple(texts)


def bound(
    text: str, slots: Iterable[ParameterSlot], terms: Mapping[str, str], settings: Settings
) -> Query:
    """A saved query's text with terms in its slots, admitted if no term may alter its reading."""
    sent_text = filled(text, slots, terms)
    joined_terms = " ".join(terms.values()).replace(_DATATYPE, "")  # nothing else can follow its ^^
    if _LOOKED_AT.search(joined_terms):
        return Query(sent_text, ())
    prepared, prepared_slots = prepare(text, settings.service_allow)
    if prepared_slots is None:
        return Query(sent_text, ())
    return replace(prepared, text=filled(prepared.text, prepared_slots, terms), sent=sent_text)


@cache
def _own_text(name: str) -> str:
    return (files("queries") / f"{name}.rq").read_text(encoding="utf-8")


def ask_own(store: Store, name: str, **iris: Iterable[str]) -> bytes:
    """The answer to a query of ours, as SPARQL JSON results.

    Args:
        store: the store.
        name: its folder and name, below ``queries``.
        iris: variable → the IRIs that it is bound to; one that is not given stays open.
    """
    settings = Settings()  # a text of ours calls no service, so the defaults do
    prepared, slots = prepare(_own_text(name), settings.service_allow)
    terms = {
        variable: " ".join(serialise(NamedNode(iri)) for iri in values)
        for variable, values in iris.items()
    }
    text = filled(prepared.text, slots or (), terms)
    query = replace(prepared, text=text, sent=text, media_types=(_JSON,))
    return ask(store, query, settings).read()
