"""Conclusions over the store's data drawn again, organisation by organisation.

Needed where the ontology, a rule or a profile changed after data was submitted.
"""

from collections.abc import Callable, Sequence

from coprod_kg.assessment.queries import rows
from coprod_kg.errors import StoreError
from coprod_kg.ingest.merge import graph_of
from coprod_kg.ingest.outcome import SubmittedFile
from coprod_kg.ingest.sandbox import check
from coprod_kg.settings import Settings
from coprod_kg.store.base import Change, Commit, Store

__all__ = ["organisations", "recompute_conclusions"]

_BATCH = 100
"""Organisations that are checked between two calls of ``progress``."""
_COMMIT_BYTES = 32 * 2**20
"""Conclusions that are held in memory before they are committed."""


def organisations(store: Store) -> list[str]:
    """The organisations that have data: the last parts of their IRIs."""
    return sorted(row["graph"].value.rpartition("/")[2] for row in rows(store, "organisations"))


def recompute_conclusions(
    organisations: Sequence[str],
    store: Store,
    settings: Settings,
    progress: Callable[[int], None] = lambda done: None,
) -> Commit:
    """Draw the conclusions over these organisations' graphs again.

    One commit, or several where there is much: each organisation's conclusions change at once.

    Args:
        organisations: the last parts of their IRIs.
        store: where the data is and the conclusions go.
        settings: the limits and the base IRI.
        progress: called with the number of organisations finished since the last call.

    Raises:
        StoreError: a graph cannot be read back.
    """
    replaced: dict[str, bytes] = {}
    commit = Commit(store.version())
    for start in range(0, len(organisations), _BATCH):
        batch = organisations[start : start + _BATCH]
        replaced |= _conclusions(batch, store, settings)
        progress(len(batch))
        if sum(map(len, replaced.values())) > _COMMIT_BYTES:
            commit, replaced = store.commit(Change(replace=replaced)), {}
    return store.commit(Change(replace=replaced)) if replaced else commit


def _conclusions(batch: Sequence[str], store: Store, settings: Settings) -> dict[str, bytes]:
    files = [
        SubmittedFile(
            f"{name}.nt",
            graph_of(store, "organisation", name, settings.base_iri),
            organisation=name,
        )
        for name in batch
    ]
    conclusions: dict[str, bytes] = {}
    for organisation, checked in zip(batch, check(files, settings, validates=False), strict=True):
        if checked.refusal:
            raise StoreError(checked.refusal.what, where=f"graph/organisation/{organisation}")
        conclusions[f"{settings.base_iri}graph/assessment/{organisation}"] = checked.inferred
    return conclusions
