"""Harvest of another service's data by our own road, from whichever of its faces is asked.

All or nothing: a source that is broken, that says less than it did, or that is not what it says of
itself, changes nothing. What is taken enters as any other submission does, with its address as its
name, and the source and its licence as its sender. The same data makes the same file from every
face, so that only what changed enters.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from coprod_kg.ingest.harvest_offers import HarvestRefused, Offered
from coprod_kg.ingest.harvest_sources import HarvestSource
from coprod_kg.ingest.known import last_submissions
from coprod_kg.ingest.outcome import Outcome, Sender
from coprod_kg.ingest.submit import SubmitOptions, submit
from coprod_kg.settings import Settings
from coprod_kg.store.base import Query, Store

__all__ = ["harvest"]

_SMALLER: Final = 0.5
"""A source that has less than this share of what it had is not believed."""


def harvest(
    source: HarvestSource,
    store: Store,
    settings: Settings,
    way: SubmitOptions | None = None,
    *,
    smaller: bool = False,
) -> list[Outcome]:
    """Take in what a source offers on organisations, as far as it is new.

    Args:
        source: where it comes from.
        store: where the data goes.
        settings: limits and names.
        way: how the submission is dealt with.
        smaller: believe a source that has much less than before.

    Raises:
        HarvestRefused: the source is broken, shrunken or not what it says; nothing was changed.
        NotFound: it offers no data on organisations.
    """
    parts = source.offered()
    sender = _sender(source.service, parts)
    graphs = _graphs(store, settings)
    mine = sender.iri(settings.base_iri)
    held = {
        graph.rpartition("/")[2]
        for graph, (_, _, by, _) in last_submissions(store, graphs).items()
        if by == mine
    }
    stem = f"{settings.base_iri}graph/organisation/"
    others = [part.organisation for part in parts if part.organisation not in held]
    taken = [name for name in others if f"{stem}{name}" in graphs]
    if taken:
        raise HarvestRefused(
            f"it has data on {_listed(taken)}, on which others sent data here",
            where=source.address,
            fix="Nothing was changed. Harvest a source that leaves them out.",
        )
    if not smaller:
        had = {name: graphs[f"{stem}{name}"] for name in held}
        _refuse_shrunken(source.address, parts, had)
    sent = [source.file(part) for part in parts]
    way = replace(way or SubmitOptions(), links_apart=True)
    return submit(sent, store, settings, sender, way)


def _refuse_shrunken(address: str, parts: Sequence[Offered], held: dict[str, int]) -> None:
    """Refuse a source that leaves out what it had, or has much less of it.

    Raises:
        HarvestRefused: it does.
    """
    gone = sorted(held.keys() - {part.organisation for part in parts})
    had = sum(held.values())
    has = sum(part.triples for part in parts if part.organisation in held)
    if gone:
        what = f"it has nothing on {_listed(gone)} any more"
    elif has < _SMALLER * had:
        what = f"it has {has} statements on organisations of which it had {had}"
    else:
        return
    raise HarvestRefused(
        what,
        where=address,
        fix="Nothing was changed. If that is meant so, harvest with --smaller; what the source "
        "leaves out stays here.",
    )


def _sender(service: str, parts: Sequence[Offered]) -> Sender:
    """The source as a sender, with its licence."""
    plain = service.partition("://")[2].rstrip("/").lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    licences = ", ".join(sorted({part.licence for part in parts}))
    return Sender(f"harvest-{slug}", f"Harvested from {service} (licence {licences})")


def _graphs(store: Store, settings: Settings) -> dict[str, int]:
    """The graphs of organisations that are here, and how many statements each holds."""
    stem = f"{settings.base_iri}graph/organisation/"
    text = (
        "SELECT ?graph (COUNT(*) AS ?n) WHERE { GRAPH ?graph { ?s ?p ?o } "
        f'FILTER(STRSTARTS(STR(?graph), "{stem}")) }} GROUP BY ?graph'
    )
    rows = store.query(Query(text, ("text/csv",))).read().decode().splitlines()[1:]
    pairs = (row.rpartition(",") for row in rows)
    return {graph: int(number) for graph, _, number in pairs}


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
