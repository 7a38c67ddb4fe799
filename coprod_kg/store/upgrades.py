"""Upgrades of the data directory from one format to the next.

A step finds the directory held and no store open. It may be broken off at any moment and is then
taken again from its beginning, so it must come to the same end when half of it is done already.
"""

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from coprod_kg.store import merged
from coprod_kg.store.directory import DataDirectory
from coprod_kg.store.durable import Durable, open_store
from coprod_kg.store.identity import FORMAT, Identity

__all__ = ["STEPS", "Step", "upgrade"]


@dataclass(frozen=True, slots=True)
class Step:
    """One upgrade step.

    Attributes:
        changed: a sentence for the operator: what it changed.
        take: does it, given the directory and the base IRI of its data.
    """

    changed: str
    take: Callable[[DataDirectory, str], None]


def upgrade(directory: DataDirectory, base_iri: str) -> tuple[str, ...]:
    """Bring a directory that is held into the format of this release.

    Returns:
        What was changed, a sentence for each step.

    Raises:
        StoreUnavailable: a newer release wrote it.
    """
    identity = Identity.read(directory.root)
    if not directory.store.exists() and not identity.lineage:
        Identity.new().write(directory.root)
        directory.close_to_others()
        return ()
    changed = []
    mask = os.umask(0o077)  # a step may write files of the store, which are for their user alone
    try:
        for number in range(identity.format, FORMAT):
            step = STEPS[number - 1]
            step.take(directory, base_iri)
            replace(Identity.read(directory.root), format=number + 1).write(directory.root)
            changed.append(step.changed)
    finally:
        os.umask(mask)
    return tuple(changed)


def _name_lineage(directory: DataDirectory, base_iri: str) -> None:
    directory.close_to_others()
    identity = Identity.read(directory.root)
    if not identity.lineage:
        replace(identity, lineage=secrets.token_hex(4)).write(directory.root)


def _merge_graphs(directory: DataDirectory, base_iri: str) -> None:
    """Make the merged graph, and let the newest version be published anew, with it."""
    if not directory.store.exists():
        return
    durable = Durable(open_store(directory), directory, base_iri, keep=1)
    version = durable.version()
    merged.build(durable.store, base_iri, version)
    durable.snapshots.withdraw(version)


STEPS: Final = (
    Step(
        "Its version numbers belong to a lineage now, which permanent links name, and its files "
        "can be read by their owner only.",
        _name_lineage,
    ),
    Step(
        "The merge of all its graphs is now kept beside them, which takes two fifths more disk.",
        _merge_graphs,
    ),
)
"""The step from format 1 to 2 first, then one for each format that followed."""
