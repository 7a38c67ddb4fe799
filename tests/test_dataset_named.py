"""Claims about FROM: whoever names a dataset is asked over just that, however it is written."""

import pytest

from coprod_kg.queries.ask import ask
from coprod_kg.settings import Settings
from coprod_kg.store.base import Query
from tests.memory_store import MemoryStore

NAMES = "PREFIX : <urn:> PREFIX p: <urn:> "


def count(text: str) -> int:
    """How many of the two statements, each in a graph of its own, a query finds."""
    store = MemoryStore()
    store.load("urn:g", b"<urn:a> <urn:p> 1 .")
    store.load("urn:h", b"<urn:a> <urn:p> 2 .")
    query = Query(text, ("text/csv", "application/n-triples"), union=True)
    return sum(b"urn:a" in line for line in ask_lines(store, query))


def ask_lines(store: MemoryStore, query: Query) -> list[bytes]:
    return ask(store, query, Settings()).read().splitlines()


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM <urn:g> { ?s ?p ?o }",
        "SELECT * FROM<urn:g>{ ?s ?p ?o }",
        "SELECT * FROM :g { ?s ?p ?o }",
        "SELECT * FROM:g { ?s ?p ?o }",
        "SELECT *FROM:g{?s ?p ?o}",
        "SELECT * FROMp:g { ?s ?p ?o }",
        "SELECT * from:g { ?s ?p ?o }",
        "SELECT ?s (2 AS ?two)FROM:g { ?s ?p ?o }",
        "SELECT * FROM # here\n :g { ?s ?p ?o }",
        "CONSTRUCT { ?s ?p ?o }FROM:g { ?s ?p ?o }",
        "CONSTRUCTFROM:g WHERE { ?s ?p ?o }",
        "CONSTRUCTFROM<urn:g> WHERE { ?s ?p ?o }",
        "DESCRIBE ?s FROM:g { ?s ?p ?o }",
        "DESCRIBE <urn:a>FROM:g",
        "SELECT * FROMNAMED:g { GRAPH ?g { ?s ?p ?o } }",
        "SELECT * FROM NAMED<urn:g> { GRAPH ?g { ?s ?p ?o } }",
        "SELECT * FROMNAMED<urn:g> { GRAPH ?g { ?s ?p ?o } }",
    ],
)
def test_a_query_that_names_its_dataset_sees_nothing_else(text: str) -> None:
    assert count(NAMES + text) == 1


@pytest.mark.parametrize(
    "text",
    [
        "PREFIX from: <urn:> SELECT * { ?s from:p ?o }",
        "PREFIX from: <urn:> SELECT ?s ?o WHERE { ?s from:p ?o } GROUP BY ?s ?o",
        "PREFIX from: <urn:> CONSTRUCT { ?s from:p ?o } WHERE { ?s from:p ?o }",
        "PREFIX from: <urn:> DESCRIBE from:a",
        "PREFIX from: <urn:> PREFIX fromage: <urn:> DESCRIBE <urn:a> fromage:a",
        "SELECT ?s ?o { ?s ?p ?o FILTER(?o != 'FROM <urn:g>') } # FROM <urn:g>",
        "PREFIX xsd: <http://www.w3.org/2001/XMLSchema#> PREFIX from: <urn:> "
        "SELECT ?s (from:x AS ?y) ?o { ?s ?p ?o }",
    ],
)
def test_a_query_that_only_looks_as_if_it_named_its_dataset_sees_all_graphs(text: str) -> None:
    assert count(text) == 2
