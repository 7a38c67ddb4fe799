"""Write-ahead journal of the commit under way, written and removed atomically."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from coprod_kg.store.base import Change
from coprod_kg.store.directory import sync

__all__ = ["read", "write"]


def write(path: Path, changes: Sequence[Change]) -> None:
    """Write the changes so that a reader after a crash finds all of them or no journal.

    The first line is JSON: for each change its graphs and how many bytes each takes. The
    N-Triples follow in that order.
    """
    head = [
        {
            "replace": _sizes(change.replace),
            "add": _sizes(change.add),
            "activity": change.activity,
            "labels": change.shared_blank_nodes,
        }
        for change in changes
    ]
    unfinished = path.with_suffix(".unfinished")
    with unfinished.open("wb") as file:
        file.write(json.dumps(head).encode() + b"\n")
        for change in changes:
            file.writelines(change.replace.values())
            file.writelines(change.add.values())
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
    sync(path.parent)


def read(path: Path) -> tuple[Change, ...] | None:
    """The changes of a commit that was under way, or None."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return None
    with file:
        return tuple(
            Change(
                replace={graph: file.read(size) for graph, size in head["replace"]},
                add={graph: file.read(size) for graph, size in head["add"]},
                activity=head["activity"],
                shared_blank_nodes=head.get("labels", False),
            )
            for head in json.loads(file.readline())
        )


def _sizes(graphs: Mapping[str, bytes]) -> list[tuple[str, int]]:
    return [(graph, len(triples)) for graph, triples in graphs.items()]
