"""Migration of stored data to the installed version of the ontology, with a report of what changes.

Each version that interprets old data differently has a folder in ``ontology/migrations``: a query
that reports and an update that writes. Stored statements and earlier versions of the data stay.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from coprod_kg.assessment.refresh import recompute_conclusions
from coprod_kg.ingest.merge import graph_of
from coprod_kg.reasoning.migrations import migrated
from coprod_kg.settings import Settings
from coprod_kg.store.base import Change, Commit, Store

__all__ = ["MigrationNote", "migrate"]


@dataclass(frozen=True, slots=True)
class MigrationNote:
    """One thing that the new version interprets differently.

    Attributes:
        organisation: the last part of the IRI of the organisation whose data it is.
        thing: its IRI.
        what: the difference, in words.
    """

    organisation: str
    thing: str
    what: str


def migrate(
    organisations: Sequence[str], store: Store, settings: Settings, *, dry_run: bool = False
) -> tuple[list[MigrationNote], Commit]:
    """Migrate these organisations' data and draw the conclusions again.

    Args:
        organisations: the last parts of their IRIs.
        store: where the data is.
        settings: the limits and the base IRI.
        dry_run: report only.

    Returns:
        A note on each thing that is interpreted differently, and the last commit, or the newest
        version where none was made.
    """
    notes: list[MigrationNote] = []
    replaced: dict[str, bytes] = {}
    for organisation in organisations:
        graph = f"{settings.base_iri}graph/organisation/{organisation}"
        changes, content = migrated(
            graph_of(store, "organisation", organisation, settings.base_iri)
        )
        notes += [MigrationNote(organisation, thing, what) for thing, what in changes]
        if content is not None:
            replaced[graph] = content
    if dry_run:
        return notes, Commit(store.version())
    if replaced:
        store.commit(Change(replace=replaced))
    return notes, recompute_conclusions(organisations, store, settings)
