"""Statements that something is the same as in Wikidata, ROR or GeoNames, parted from the rest.

They say more than any reader here can check, and a reasoner would take all that is told there for
true of ours: so they stand in a graph apart, and only where a source states them.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from coprod_kg.ingest.known import last_submissions
from coprod_kg.ingest.outcome import Checked
from coprod_kg.store.base import Change, Store

__all__ = ["links_apart", "replacing_links"]

_LINK: Final = re.compile(
    rb"<[^>]+> <http://www\.w3\.org/2002/07/owl#sameAs> "
    rb"<(?:http://www\.wikidata\.org/entity/|https://ror\.org/|https://sws\.geonames\.org/)"
)


def links_apart(checked: Checked) -> Checked:
    """The same with these statements as its links, and no more among its data."""
    lines = checked.data.splitlines(keepends=True)
    links = [line for line in lines if _LINK.match(line)]
    if not links:
        return checked
    data = b"".join(line for line in lines if not _LINK.match(line))
    return replace(checked, data=data, links=b"".join(links))


def replacing_links(change: Change, store: Store, graphs: Iterable[str]) -> Change:
    """The change, with these graphs of links dropped that are there and that it does not replace.

    What a source stated goes with the rest of what it said.
    """
    left = dict.fromkeys(last_submissions(store, graphs), b"")
    return replace(change, replace={**left, **change.replace})
