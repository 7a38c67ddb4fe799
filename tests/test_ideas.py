"""Claims about docs/ideas.md: every name in its table exists, and each idea is answered for."""

import re
from pathlib import Path

import pytest

from coprod_kg.model.installed import Model
from coprod_kg.model.namespaces import terms
from coprod_kg.queries.library import load

BASE = "https://w3id.org/coprod/"
TOP = Path(__file__).parents[1]
ROWS = [
    line.strip("| ").split(" | ")
    for line in (TOP / "docs" / "ideas.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ")
][1:]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@pytest.fixture(scope="module")
def known() -> set[str]:
    """Terms, concepts, criteria and saved queries, as the page writes them."""
    local = {f"cp:{term.rpartition('#')[2]}" for term in terms()}
    vocab = f"{BASE}vocab/"
    concepts = {
        iri.removeprefix(vocab).replace("/", ":")
        for iri in Model.installed().concepts
        if iri.startswith(vocab)
    }
    profiles = "".join(
        path.read_text(encoding="utf-8") for path in (TOP / "shapes" / "stages").glob("*.ttl")
    )
    return local | concepts | set(re.findall(r"\bcps:\w+-\w+", profiles)) | set(load())


def test_every_idea_of_the_article_is_there_once() -> None:
    assert len(ROWS) >= 21
    assert len({row[0] for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row[0]))
def test_an_idea_has_terms_criteria_a_query_and_data_or_the_words_why_not(
    row: list[str], known: set[str]
) -> None:
    _, carriers, criteria, queries, data = row
    assert set(names(" ".join(row))) <= known
    assert names(carriers)
    assert names(queries)
    assert names(criteria) or criteria.startswith("none: ")
    assert re.search(r"\d", data) or data.startswith("none: ")
