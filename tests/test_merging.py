"""Merged graphs are sets: Apache Jena counts and sums the same over random graphs that share much.

Every way to name a dataset is tried: none (the merge of all graphs), FROM, the graphs of the
request, and in updates none, USING, and the graphs of the request.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from pyoxigraph import (
    Literal,
    NamedNode,
    Quad,
    QueryResultsFormat,
    QuerySolutions,
    RdfFormat,
    Store,
    parse_query_results,
    serialize,
)

from coprod_kg.errors import QueryMemory, QueryRefused
from coprod_kg.queries.ask import ask
from coprod_kg.settings import Settings
from coprod_kg.sparql.update_operations import operations
from coprod_kg.store.asked_dataset import dataset
from coprod_kg.store.base import Change, Query
from coprod_kg.store.local import LocalStore, serving
from coprod_kg.store.merged import CLIENT_DEFAULT, in_graph
from coprod_kg.updates import update, with_dataset
from tests.jena import Jena, jena

GRAPHS = tuple(f"urn:g:{number}" for number in range(6))
JSON = ("application/sparql-results+json",)
Rows = list[tuple[str, ...]]

SELECTED = (
    ("(COUNT(*) AS ?n) (SUM(?v) AS ?t)", ""),
    ("(COUNT(?v) AS ?n) (COUNT(DISTINCT ?v) AS ?t)", ""),
    ("?a (COUNT(*) AS ?n) (SUM(?v) AS ?t)", "GROUP BY ?a"),
    ("?a (MAX(?v) AS ?n) (COUNT(*) AS ?t)", "GROUP BY ?a HAVING (COUNT(*) > 1)"),
)
"""What is selected, and how it is grouped."""
PATTERNS = (
    "?a <urn:v> ?v",
    "?a <urn:p> ?b . ?b <urn:v> ?v",
    "?a <urn:p> ?b . ?c <urn:q> ?b . ?c <urn:v> ?v",
    "?a <urn:p>/<urn:q> ?b . ?b <urn:v> ?v",
    "?a <urn:v> ?v OPTIONAL { ?a <urn:p> ?b . ?b <urn:q> ?c }",
    "{ ?a <urn:p> ?b } UNION { ?a <urn:q> ?b } ?b <urn:v> ?v",
    "?a <urn:v> ?v MINUS { ?a <urn:p> ?b . ?b <urn:v> ?w }",
    "?a <urn:v> ?v FILTER NOT EXISTS { ?b <urn:p> ?a . ?b <urn:q> ?c }",
    "?a <urn:v> ?v . GRAPH ?g { ?a <urn:p> ?b }",
    "?a <urn:p> ?b . GRAPH <urn:g:1> { ?b <urn:v> ?v }",
)


def content(chance: random.Random) -> list[Quad]:
    """Graphs drawn from one pot, so that most triples stand in several."""
    things = [NamedNode(f"urn:s:{number}") for number in range(5)]
    links = [
        Quad(chance.choice(things), NamedNode(f"urn:{chance.choice('pq')}"), chance.choice(things))
        for _ in range(14)
    ]
    values = [Quad(one, NamedNode("urn:v"), Literal(chance.randrange(20))) for one in things * 2]
    return [
        in_graph(quad, NamedNode(graph))
        for graph in GRAPHS
        for quad in chance.sample([*links, *values], k=12)
    ]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    data = tmp_path_factory.mktemp("data")
    return Settings.load({"data": data, "workers": 1, "long_queries": 0}, {})


@pytest.fixture(scope="module")
def store(settings: Settings) -> Iterator[LocalStore]:
    with serving(settings) as service:
        graphs = dict[str, bytes]()
        for quad in content(random.Random(11)):
            graph = str(quad.graph_name)[1:-1]
            graphs[graph] = graphs.get(graph, b"") + f"{quad.triple} .\n".encode()
        service.store.commit(Change(graphs))
        yield service.store


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, require: Callable[[str], None]
) -> Iterator[Jena]:
    require("jena")
    folder = tmp_path_factory.mktemp("jena")
    serialize(content(random.Random(11)), str(folder / "data.nq"), RdfFormat.N_QUADS)
    with jena(folder / "data.nq", folder) as running:
        yield running


def rows(answer: bytes) -> Rows:
    found = parse_query_results(answer, QueryResultsFormat.JSON)
    assert isinstance(found, QuerySolutions)
    return sorted(tuple(str(cell) for cell in row) for row in found)


def written(chance: random.Random) -> tuple[str, str, str]:
    """What is selected, from which pattern, and what follows."""
    selected, grouped = chance.choice(SELECTED)
    return selected, chance.choice(PATTERNS), grouped


def clauses(word: str, default: list[str]) -> str:
    named = (f"{word} NAMED <{graph}>" for graph in GRAPHS)
    return " ".join([*(f"{word} <{graph}>" for graph in default), *named])


def test_jena_counts_the_same_over_every_dataset(
    store: LocalStore, server: Jena, settings: Settings
) -> None:
    chance = random.Random(3)
    filled = 0
    for number in range(150):
        selected, pattern, grouped = written(chance)
        some = chance.sample(GRAPHS, k=chance.randrange(1, 5))
        head, tail = f"SELECT {selected} ", f" WHERE {{ {pattern} }} {grouped}"
        query = Query(head + tail, JSON)
        if number % 3 == 0:
            some = list(GRAPHS)
        elif number % 3 == 1:
            query = replace(query, text=head + clauses("FROM", some) + tail)
        else:
            query = replace(query, default_graphs=tuple(some), named_graphs=GRAPHS)
        theirs = rows(server.ask(head + clauses("FROM", some) + tail))
        assert rows(ask(store, query, settings).read()) == theirs, query
        filled += theirs != []
    assert filled > 100


@pytest.mark.parametrize("mode", ["union", "strict"])
def test_jena_counts_what_updates_store(
    store: LocalStore, server: Jena, settings: Settings, mode: str
) -> None:
    chance = random.Random(4)
    texts, expected = [], {}
    for number in range(19):
        selected, pattern, grouped = written(chance)
        some = chance.sample(GRAPHS, k=chance.randrange(1, 5))
        out = f"urn:out:{mode}:{number}"
        told = "?r <urn:n> ?n ; <urn:t> ?t"
        inner = f"SELECT {selected} {{ {pattern} }} {grouped}"
        where = f"WHERE {{ {{ {inner} }} BIND(COALESCE(?a, <urn:all>) AS ?r) }}"
        head = f"INSERT {{ GRAPH <{out}> {{ {told} }} }} "
        reads_all = mode == "union" and number % 3 == 0
        if reads_all:
            some = list(GRAPHS)
            texts.append(head + where)
        elif number % 3 == 1:
            texts.append(with_dataset(head + where, tuple(some), GRAPHS))
        else:
            texts.append(f"{head} {clauses('USING', some)} {where}")
        graphs = clauses("FROM", some)
        expected[out] = rows(server.ask(f"SELECT DISTINCT ?r ?n ?t {graphs} {where}"))
    # what one operation writes is no part of what the next ones count
    strict = replace(settings, default_graph=mode)
    update(store, texts.pop(), "tester", strict)  # the last alone: the merge of the version is read
    update(store, " ;\n".join(texts), "tester", strict)
    assert sum(found != [] for found in expected.values()) > 10
    for out, theirs in expected.items():
        text = f"SELECT ?r ?n ?t {{ GRAPH <{out}> {{ ?r <urn:n> ?n ; <urn:t> ?t }} }}"
        assert rows(ask(store, Query(text, JSON), settings).read()) == theirs, out


def test_an_operation_sees_what_the_one_before_it_wrote(
    store: LocalStore, settings: Settings
) -> None:
    text = """
        INSERT DATA { GRAPH <urn:x:1> { <urn:x> <urn:w> 1 } GRAPH <urn:x:2> { <urn:x> <urn:w> 1 } };
        INSERT { <urn:y> <urn:total> ?t } WHERE { SELECT (SUM(?w) AS ?t) { ?s <urn:w> ?w } } ;
        INSERT { GRAPH <urn:x:3> { ?s <urn:again> ?t } } WHERE { ?s <urn:total> ?t } ;
        DELETE WHERE { GRAPH <urn:x:1> { ?s ?p ?o } } ;
        DELETE { GRAPH ?g { ?s <urn:w> ?w } }
        WHERE { ?y <urn:total> 1 GRAPH ?g { ?s <urn:w> ?w } }"""
    update(store, text, "tester", settings)
    found = "SELECT ?s ?p ?o { VALUES ?p { <urn:w> <urn:total> <urn:again> } ?s ?p ?o }"
    one = '"1"^^<http://www.w3.org/2001/XMLSchema#integer>'
    assert rows(ask(store, Query(found, JSON), settings).read()) == [
        ("<urn:y>", "<urn:again>", one),
        ("<urn:y>", "<urn:total>", one),
    ]
    unnamed = "SELECT ?s { ?s <urn:total> ?o }"
    own = ask(store, Query(unnamed, JSON, union=False), settings).read()
    assert rows(own) == [("<urn:y>",)], "it went to the default graph that clients write"
    listed = ask(store, Query("SELECT DISTINCT ?g { GRAPH ?g { } }", JSON), settings).read()
    assert not [graph for [graph] in rows(listed) if "uuid" in graph]


def test_several_graphs_that_are_too_large_to_merge_are_refused() -> None:
    engine, predicate = Store(), NamedNode("urn:p")
    for graph in ("urn:many:1", "urn:many:2"):
        things = (NamedNode(f"urn:{number}") for number in range(1000))
        engine.extend(Quad(one, predicate, one, NamedNode(graph)) for one in things)
    asked = {"default_graphs": ("urn:many:1", "urn:many:2"), "named_graphs": ()}
    copy, _ = dataset(asked, engine, "urn:", 2)
    assert len(copy) == 1000
    with pytest.raises(QueryMemory, match="more than 1,310 statements"):
        dataset(asked, engine, "urn:", 1)


def test_graphs_that_can_be_read_in_two_ways_are_not_merged(
    store: LocalStore, settings: Settings
) -> None:
    with pytest.raises(QueryRefused, match="cannot be read with certainty"):
        ask(store, Query("SELECT * FROM<urn:a>FROM:a { ?s ?p ?o }", JSON), settings)


def test_an_update_that_can_be_read_in_two_ways_is_refused() -> None:
    text = "PREFIX to: <urn:> INSERT { to:a to:b ?o } WHERE { ?s to:c ?o }"
    with pytest.raises(QueryRefused, match="cannot be read with certainty"):
        operations(text, union=True)
    assert operations(text, union=False) == ()


def test_what_is_written_beside_the_graphs_goes_to_the_default_graph(
    store: LocalStore, settings: Settings
) -> None:
    def own() -> Rows:
        text = "SELECT ?s ?o { ?s <urn:own> ?o }"
        return rows(ask(store, Query(text, JSON, union=False), settings).read())

    def everywhere(text: str) -> None:
        update(store, text, "tester", settings)

    everywhere("""INSERT DATA { GRAPH <urn:y:1> { <urn:y> <urn:z> -1 }
                                GRAPH <urn:y:2> { <urn:y> <urn:z> 2 } }""")
    everywhere("""INSERT { ?s <urn:own> ?n . GRAPH <urn:y:3> { ?s <urn:z> ?n } . ?s <urn:own> -3 . }
                  WHERE { ?s <urn:z> ?n FILTER(?n < 0) }""")
    number = '"{}"^^<http://www.w3.org/2001/XMLSchema#integer>'.format
    assert own() == [("<urn:y>", number(-1)), ("<urn:y>", number(-3))]
    everywhere("DELETE WHERE { ?s <urn:own> -3 . ?s <urn:z> 2 }")
    assert own() == [("<urn:y>", number(-1))]
    everywhere(
        "DELETE { ?s <urn:own> ?n } WHERE { GRAPH <urn:y:3> { ?s <urn:z> ?n } ?s <urn:own> ?n }"
    )
    assert own() == []
    text = "SELECT ?n { <urn:y> <urn:z> ?n }"
    left = rows(ask(store, Query(text, JSON), settings).read())
    assert left == [(number(-1),), (number(2),)]
    with pytest.raises(QueryRefused, match="its name is kept"):
        everywhere(f"""INSERT {{ GRAPH ?g {{ ?s ?p 1 }} }}
                       WHERE {{ GRAPH <urn:y:1> {{ ?s ?p ?o }} BIND({CLIENT_DEFAULT} AS ?g) }}""")
