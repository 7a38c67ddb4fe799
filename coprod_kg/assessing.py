"""Conclusions drawn anew over what the store holds; it never changes what was said.

Needed where the ontology or a rule changed after data came in.
"""

from collections.abc import Sequence

from coprod_kg.errors import StoreError
from coprod_kg.reading.job import Sent
from coprod_kg.reading.sandbox import check
from coprod_kg.settings import Settings
from coprod_kg.store.base import Change, Commit, Query, Store

__all__ = ["assess"]


def assess(organisations: Sequence[str], store: Store, settings: Settings) -> Commit:
    """Draw the conclusions over these organisations' graphs again, in one commit.

    Args:
        organisations: the last parts of their IRIs.
        store: where the data is and the conclusions go.
        settings: the limits and the base IRI.

    Raises:
        StoreError: a graph cannot be read back.
    """
    sent = [Sent(f"{one}.nt", _graph(one, store, settings)) for one in organisations]
    replaced: dict[str, bytes] = {}
    for organisation, checked in zip(organisations, check(sent, settings), strict=True):
        if checked.refusal:
            raise StoreError(checked.refusal.what, where=f"graph/organisation/{organisation}")
        replaced[f"{settings.base_iri}graph/assessment/{organisation}"] = checked.inferred
    return store.commit(Change(replace=replaced))


def _graph(organisation: str, store: Store, settings: Settings) -> bytes:
    graph = f"{settings.base_iri}graph/organisation/{organisation}"
    query = "CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o }"
    return store.query(Query(query, ("application/n-triples",), default_graphs=(graph,))).read()
