"""Separation of ``owl:sameAs`` links to Wikidata, ROR or GeoNames into a graph of their own.

Nobody here can check such a link, and a reasoner would apply every statement about the linked
resource to ours. So links enter only where a source states them, apart from the other data.
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
    """The result of a check with these statements moved from its data to its links."""
    lines = checked.data.splitlines(keepends=True)
    links = [line for line in lines if _LINK.match(line)]
    if not links:
        return checked
    data = b"".join(line for line in lines if not _LINK.match(line))
    return replace(checked, data=data, links=b"".join(links))


def replacing_links(change: Change, store: Store, graphs: Iterable[str]) -> Change:
    """The change, which also empties those of these graphs of links that it does not replace.

    The links of a source are replaced together with its other data.
    """
    emptied = dict.fromkeys(last_submissions(store, graphs), b"")
    return replace(change, replace={**emptied, **change.replace})
