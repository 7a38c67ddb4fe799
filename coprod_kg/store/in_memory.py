"""In-memory copy of the newest version: which queries may read it, where it is asked, who wants it.

The engine reads a version three to five times as fast from memory as from its files. The copy holds
the merge of all graphs and nothing else. It is made once a query has taken long
(`coprod_kg.store.in_memory_workers`), and given up some time after the last one that profits.
"""

import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from coprod_kg.errors import StoreUnavailable
from coprod_kg.settings import Settings
from coprod_kg.sparql.dataset import may_name_graphs
from coprod_kg.sparql.tokens import significant
from coprod_kg.store.base import NOTHING, Query
from coprod_kg.store.directory import DataDirectory
from coprod_kg.store.snapshots import Snapshots

__all__ = [
    "InMemory",
    "address",
    "may_read_memory",
    "note_long_query",
    "seconds_since_long_query",
    "version_to_read",
]

_LONG: Final = "long"
_READS_A_PART: Final = re.compile(r"limit|offset", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class InMemory:
    """The merge of a version's graphs in memory.

    Attributes:
        version: its number.
        store: the merge, as default graph.
    """

    version: int
    store: ox.Store


def address(run: Path, version: int) -> str:
    """The socket at which the workers wait that have a version in memory."""
    return f"{run}/query-{version}"


def may_read_memory(query: Query) -> bool:
    """Whether a query reads the merge of all graphs and no other graph.

    A part of rows that have no order (LIMIT or OFFSET without ORDER BY) is read from the files:
    from memory they come in another one, and somebody who turns pages would miss some.
    """
    reads_merge = query.union and query.dataset_query is None and query.hidden == NOTHING
    names_graphs = query.default_graphs or query.named_graphs or query.excluded_graphs
    if not reads_merge or names_graphs or may_name_graphs(query.text):
        return False
    return not _READS_A_PART.search(query.text) or _orders_its_parts(query.text)


def _orders_its_parts(text: str) -> bool:
    """Whether each LIMIT and OFFSET, those of subqueries too, stands after an ORDER BY."""
    is_ordered = False
    for token in significant(text):
        if token.text in ("{", "}"):
            is_ordered = False
        elif token.is_word("ORDER"):
            is_ordered = True
        elif (token.is_word("LIMIT") or token.is_word("OFFSET")) and not is_ordered:
            return False
    return True


def version_to_read(query: Query, settings: Settings) -> int | None:
    """The version that a query asks, where it may be held in memory; None where there is none."""
    if not settings.in_memory_percent:
        return None
    if query.version is not None:
        return query.version
    try:
        return Snapshots(DataDirectory(settings.data).snapshots).current()
    except StoreUnavailable:  # nothing is published yet, as a worker will say
        return None


def note_long_query(run: Path) -> None:
    """Note that a query took long that may read memory."""
    (run / _LONG).touch()


def seconds_since_long_query(run: Path) -> float | None:
    """Seconds since the last query that took long; None where none has."""
    try:
        return time.time() - (run / _LONG).stat().st_mtime
    except FileNotFoundError:
        return None
