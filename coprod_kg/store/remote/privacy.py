"""The list of private organisations, kept the same on all machines that share an engine.

Each machine reads its own file (`coprod_kg.access`), so that what is hidden does not hang on the
engine. Here the changes of each are carried to the others, through the control graph.
"""

import json
from pathlib import Path
from typing import Final

from coprod_kg.store.directory import DataDirectory, locked, write_durably
from coprod_kg.store.remote.client import Engine
from coprod_kg.store.remote.control import CONTROL, literal, rows

__all__ = ["share"]

_PRIVATE: Final = f"<{CONTROL}> <{CONTROL}#private>"


def share(engine: Engine, directory: DataDirectory) -> None:
    """Take over what others marked private or public, and tell them what was marked here.

    Where machines meet for the first time, what one of them hides is hidden on both.

    Raises:
        StoreUnavailable: the engine does not answer.
    """
    path, last = directory.root / "private.json", directory.root / "private.shared"
    told = rows(engine, f"SELECT ?list {{ GRAPH <{CONTROL}> {{ {_PRIVATE} ?list }} }}")
    theirs = _names(told[0]["list"]) if told else None
    with locked(path):
        ours, agreed_last = _listed(path), _listed(last)
        if not last.exists() or theirs is None:
            agreed = ours | (theirs or set())
        else:
            agreed = (theirs | (ours - agreed_last)) - (agreed_last - ours)
        if agreed != theirs:
            _tell(engine, told[0]["list"] if told else None, agreed)
        if agreed != ours:
            write_durably(path, json.dumps(sorted(agreed), indent=2).encode())
        if agreed != agreed_last or not last.exists():
            write_durably(last, json.dumps(sorted(agreed)).encode())


def _tell(engine: Engine, before: str | None, agreed: set[str]) -> None:
    """Put the list there unless another machine did meanwhile: then the next look settles it."""
    held = f"{_PRIVATE} {literal(before)}" if before is not None else ""
    guard = held or f"FILTER NOT EXISTS {{ {_PRIVATE} ?any }}"
    new = f"{_PRIVATE} {literal(json.dumps(sorted(agreed)))}"
    engine.update(
        f"DELETE {{ GRAPH <{CONTROL}> {{ {held} }} }} INSERT {{ GRAPH <{CONTROL}> {{ {new} }} }} "
        f"WHERE {{ GRAPH <{CONTROL}> {{ <{CONTROL}> <{CONTROL}#version> ?v . {guard} }} }}"
    )


def _listed(path: Path) -> set[str]:
    try:
        return _names(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return set()


def _names(text: str) -> set[str]:
    return {str(name) for name in json.loads(text)}
