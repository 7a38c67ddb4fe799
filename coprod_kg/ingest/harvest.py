"""Harvest of another service's data, through its catalogue, a dump or its SPARQL endpoint.

All or nothing: a source that is broken, has shrunk, or contradicts its own description changes
nothing. Each organisation's data enters as a submission of its own, named by its address, with the
source and its licence as the sender. The same data makes the same file through every interface, so
that only changed data enters.
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
"""A source with less than this share of its former statements is refused as shrunken."""


def harvest(
    source: HarvestSource,
    store: Store,
    settings: Settings,
    options: SubmitOptions | None = None,
    *,
    smaller: bool = False,
) -> list[Outcome]:
    """Submit the new data on organisations that a source offers.

    Args:
        source: where it comes from.
        store: where the data goes.
        settings: limits and names.
        options: how the submission is dealt with.
        smaller: believe a source that has much less than before.

    Raises:
        HarvestRefused: the source is broken, shrunken or not what it says; nothing was changed.
        NotFound: it offers no data on organisations.
    """
    parts = source.offered()
    sender = _sender(source.service, parts)
    graphs = _graphs(store, settings)
    sender_iri = sender.iri(settings.base_iri)
    harvested = {
        graph.rpartition("/")[2]
        for graph, (_, _, last_sender, _) in last_submissions(store, graphs).items()
        if last_sender == sender_iri
    }
    stem = f"{settings.base_iri}graph/organisation/"
    newcomers = [part.organisation for part in parts if part.organisation not in harvested]
    contested = [name for name in newcomers if f"{stem}{name}" in graphs]
    if contested:
        raise HarvestRefused(
            f"it has data on {_listed(contested)}, on which others sent data here",
            where=source.address,
            fix="Nothing was changed. Harvest a source that leaves them out.",
        )
    if not smaller:
        sizes = {name: graphs[f"{stem}{name}"] for name in harvested}
        _refuse_shrunken(source.address, parts, sizes)
    files = [source.file(part) for part in parts]
    options = replace(options or SubmitOptions(), links_apart=True)
    return submit(files, store, settings, sender, options)


def _refuse_shrunken(address: str, parts: Sequence[Offered], sizes: dict[str, int]) -> None:
    """Refuse a source that lacks an organisation it had, or has far fewer statements.

    Raises:
        HarvestRefused: it does.
    """
    missing = sorted(sizes.keys() - {part.organisation for part in parts})
    # A catalogue need not state how many statements a dataset has: unknown is not none.
    stated = {part.organisation: part.triples for part in parts if part.triples is not None}
    old_count = sum(size for name, size in sizes.items() if name in stated)
    new_count = sum(number for name, number in stated.items() if name in sizes)
    if missing:
        reason = f"it has nothing on {_listed(missing)} any more"
    elif new_count < _SMALLER * old_count:
        reason = f"it has {new_count} statements on organisations of which it had {old_count}"
    else:
        return
    raise HarvestRefused(
        reason,
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
