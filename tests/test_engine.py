"""What docs/engine.md says of the engine is so: a test fails on the day the engine mends it."""

import re
from pathlib import Path
from typing import Final

import pyoxigraph as ox
import pytest

from coprod_kg.errors import QuerySyntax
from coprod_kg.queries.ask import ask
from coprod_kg.settings import Settings
from coprod_kg.store.base import Query, Update
from tests.memory_store import MemoryStore

PAGE: Final = Path(__file__).parents[1] / "docs" / "engine.md"
BLOCK: Final = re.compile(r"```sparql\n((?:#.*\n)+)((?:[^#`].*\n)+)```")
CASES: Final = BLOCK.findall(PAGE.read_text(encoding="utf-8"))


def came(text: str, over: str) -> list[str]:
    """The rows of CSV, in some order; or that the query is refused."""
    store = MemoryStore()
    if over:
        store.update(Update(over))
    try:
        answer = ask(store, Query(text, ("text/csv",)), Settings())
    except QuerySyntax:
        return ["refused"]
    return sorted(row or "unbound" for row in answer.read().decode().splitlines()[1:])


@pytest.mark.parametrize(("said", "text"), CASES)
def test_the_engine_answers_as_the_page_says(said: str, text: str) -> None:
    notes = dict(re.findall(r"# (\w+): ?(.*)", said))
    right, comes = (sorted(filter(None, notes[one].split(" | "))) for one in ("right", "comes"))
    found = came(text, notes.get("over", ""))
    assert right != comes
    assert found != right, "the engine has mended it: take it off docs/engine.md"
    assert found == comes


def test_the_page_names_the_engine_that_is_here() -> None:
    assert f"Oxigraph {ox.__version__}." in PAGE.read_text(encoding="utf-8")
    assert len(CASES) == PAGE.read_text(encoding="utf-8").count("```sparql")
