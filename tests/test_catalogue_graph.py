"""The saved queries stand in the store as an editor of SPARQL looks for examples there."""

import json
from pathlib import Path

import pytest

from coprod_kg.model.files import files
from coprod_kg.model.namespaces import prefixes
from coprod_kg.publishing.graphs import catalogue_graph, publish_model
from coprod_kg.queries.library import load
from coprod_kg.store.base import Query
from tests.memory_store import MemoryStore

BASE = "https://w3id.org/coprod/"
QUESTIONS = files("queries") / "questions"
GALLERY = """
PREFIX sh: <http://www.w3.org/ns/shacl#>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
SELECT DISTINCT ?example ?question ?text WHERE {
  ?example a sh:SPARQLExecutable ; rdfs:comment ?question ;
    sh:select|sh:ask|sh:construct|sh:describe ?text .
} ORDER BY ?example"""
"""What such editors ask of an endpoint, in our words."""

PREFIXES = """
PREFIX sh: <http://www.w3.org/ns/shacl#>
SELECT DISTINCT ?prefix ?namespace WHERE {
  [] sh:prefixes/sh:declare [ sh:prefix ?prefix ; sh:namespace ?namespace ] .
} ORDER BY ?prefix"""

OWN = """#+ summary: {0}
#+ description: Whether there is an initiative at all.
#+ tags: own
PREFIX cp: <https://w3id.org/coprod/ontology#>
ASK {{ ?initiative a cp:Initiative }}
"""


@pytest.fixture
def store() -> MemoryStore:
    found = MemoryStore()
    publish_model(found, BASE, [QUESTIONS])
    return found


def rows(store: MemoryStore, text: str) -> list[dict[str, str]]:
    data = store.query(Query(text, ("application/sparql-results+json",), union=True)).read()
    bindings = json.loads(data)["results"]["bindings"]
    return [{name: cell["value"] for name, cell in row.items()} for row in bindings]


def test_a_gallery_of_examples_lists_every_question_with_its_text(store: MemoryStore) -> None:
    found = {row["example"]: (row["question"], row["text"]) for row in rows(store, GALLERY)}
    assert found == {
        f"{BASE}queries/{name}": (query.summary, query.text) for name, query in load().items()
    }


def test_an_editor_finds_the_prefixes(store: MemoryStore) -> None:
    found = {row["prefix"]: row["namespace"] for row in rows(store, PREFIXES)}
    assert found == dict(prefixes())


def test_every_example_names_the_endpoint_its_kind_and_its_keywords(store: MemoryStore) -> None:
    text = """
PREFIX sh: <http://www.w3.org/ns/shacl#>
PREFIX schema: <https://schema.org/>
SELECT ?example (GROUP_CONCAT(DISTINCT ?tag) AS ?tags) WHERE {
  ?example a sh:SPARQLSelectExecutable ; sh:select ?text ; schema:target ?endpoint ;
    schema:keywords ?tag .
  FILTER(STRENDS(STR(?endpoint), "/sparql"))
} GROUP BY ?example ORDER BY ?example"""
    found = {row["example"]: set(row["tags"].split()) for row in rows(store, text)}
    assert found == {f"{BASE}queries/{name}": set(one.tags) for name, one in load().items()}


def test_a_store_that_holds_the_list_already_is_left_alone(store: MemoryStore) -> None:
    version = store.version()
    assert version == 1, "the model and the list are one commit"
    assert not publish_model(store, BASE, [QUESTIONS])
    assert not publish_model(store, BASE)
    assert store.version() == version


def test_a_folder_of_ones_own_is_listed_too_and_a_change_in_it_is_seen(
    store: MemoryStore, tmp_path: Path
) -> None:
    file = tmp_path / "any-initiative.rq"
    for question in ("Is there any initiative?", "Is there an initiative at all?"):
        file.write_text(OWN.format(question))
        assert publish_model(store, BASE, [QUESTIONS, tmp_path])
        found = [one for one in rows(store, GALLERY) if one["example"].endswith("any-initiative")]
        assert [one["question"] for one in found] == [question]
    asked = Query(
        f"ASK {{ GRAPH <{catalogue_graph(BASE)}> {{ <{BASE}queries/any-initiative> a "
        "<http://www.w3.org/ns/shacl#SPARQLAskExecutable> } }",
        ("text/csv",),
    )
    assert store.query(asked).read().strip() == b"true"
