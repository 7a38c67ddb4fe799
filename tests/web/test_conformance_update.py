"""Updates of every kind over a real socket: what is there afterwards is what the engine leaves.

Each case is one request over the same beginning; the whole dataset is compared with pyoxigraph's
after the same update in process, graphs that hold nothing among it.
"""

import json
from collections.abc import Iterator

import pyoxigraph as ox
import pytest

from coprod_kg.sparql.update_dialect import rewrite_update
from coprod_kg.store.base import DEFAULT_GRAPH, EMPTY, Change
from tests.web.service import running
from tests.web.speaking import STRICT, Speaker

BASE = "https://w3id.org/coprod/"
JSON = "application/sparql-results+json"
PROLOGUE = """
PREFIX : <http://example.org/>
PREFIX xsd: <http://www.w3.org/2001/XMLSchema#>
"""
BEGINNING = """INSERT DATA {
  :a :p :b ; :v 01 , "+2"^^xsd:integer , 1.0e0 ; :name "Ann"@EN-gb , "Ann" .
  :b :p _:x . _:x :v 3 .
  GRAPH :g1 { :a :in :g1 ; :v 10 . _:y :v 5 }
  GRAPH :g2 { :b :in :g2 }
};
CREATE GRAPH :empty"""
UPDATES = {
    "insert data": "INSERT DATA { :n :p 'x', 'ü語😀'@de-CH, 007, <http://example.org/ü> }",
    "insert data into a graph": "INSERT DATA { GRAPH :new { :n :p _:b . _:b :q _:c, [] } }",
    "insert data that is there": "INSERT DATA { :a :p :b }",
    "insert data of nothing": "INSERT DATA { }",
    "insert data of an empty graph": "INSERT DATA { GRAPH :new { } }",
    "insert data twice, blank nodes apart": "INSERT DATA { _:z :p 1 }; INSERT DATA { _:z :p 2 }",
    "delete data": "DELETE DATA { :a :p :b . GRAPH :g1 { :a :v 10 } }",
    "delete data that is not there": "DELETE DATA { :no :p :b }",
    "delete data by another form of a number": "DELETE DATA { :a :v 1 , 2 }",
    "delete data with a language": "DELETE DATA { :a :name 'Ann'@en-GB }",
    "the last statement of a graph goes": "DELETE DATA { GRAPH :g2 { :b :in :g2 } }",
    "delete where": "DELETE WHERE { ?s :v ?v }",
    "delete where in graphs": "DELETE WHERE { GRAPH ?g { ?s :v ?v } }",
    "delete and insert": "DELETE { ?s :v ?v } INSERT { ?s :w ?v } WHERE { ?s :v ?v }",
    "delete comes before insert": "DELETE { :a :p :b } INSERT { :a :p :b } WHERE { :a :p :b }",
    "insert makes new blank nodes": "INSERT { ?s :has [ :v ?v ] } WHERE { ?s :v ?v }",
    "insert with a filter": "INSERT { ?s :big ?v } WHERE { ?s :v ?v FILTER(?v > 1) }",
    "insert what is unbound": "INSERT { ?s :w ?no } WHERE { ?s :v ?v OPTIONAL { ?s :no ?no } }",
    "with": "WITH :g1 DELETE { ?s :v ?v } INSERT { ?s :w ?v } WHERE { ?s :v ?v }",
    "with, and a graph": "WITH :g1 INSERT { GRAPH :g2 { ?s :v ?v } } WHERE { ?s :v ?v }",
    "using": "INSERT { :new :v ?v } USING :g1 WHERE { ?s :v ?v }",
    "using wins over with": "WITH :g2 INSERT { :new :v ?v } USING :g1 WHERE { ?s :v ?v }",
    "using named": "INSERT { :new :v ?v } USING NAMED :g1 WHERE { GRAPH ?g { ?s :v ?v } }",
    "a graph variable": "INSERT { ?g :has ?s } WHERE { GRAPH ?g { ?s ?p ?o } }",
    "into the graph found": "INSERT { GRAPH ?g { ?s :seen true } } WHERE { GRAPH ?g { ?s ?p ?o } }",
    "exists": "DELETE { ?s :v ?v } WHERE { ?s :v ?v FILTER NOT EXISTS { ?s :p ?o } }",
    "subquery": "INSERT { ?s :n ?n } WHERE { SELECT ?s (COUNT(*) AS ?n) { ?s :v ?v } GROUP BY ?s }",
    "clear a graph": "CLEAR GRAPH :g1",
    "clear the default": "CLEAR DEFAULT",
    "clear the named": "CLEAR NAMED",
    "clear all": "CLEAR ALL",
    "clear what is not there": "CLEAR GRAPH :no",
    "clear silently what is not there": "CLEAR SILENT GRAPH :no",
    "drop a graph": "DROP GRAPH :g1",
    "drop the default": "DROP DEFAULT",
    "drop the named": "DROP NAMED",
    "drop all": "DROP ALL",
    "drop what is not there": "DROP GRAPH :no",
    "drop silently what is not there": "DROP SILENT GRAPH :no",
    "create": "CREATE GRAPH :new",
    "create what is there": "CREATE GRAPH :g1",
    "create silently what is there": "CREATE SILENT GRAPH :g1",
    "copy": "COPY :g1 TO :g2",
    "copy to the default": "COPY GRAPH :g1 TO DEFAULT",
    "copy from the default": "COPY DEFAULT TO :new",
    "copy to itself": "COPY :g1 TO :g1",
    "copy what is not there": "COPY :no TO :g1",
    "copy silently what is not there": "COPY SILENT :no TO :g1",
    "move": "MOVE :g1 TO :g2",
    "move to the default": "MOVE :g1 TO DEFAULT",
    "move from the default": "MOVE DEFAULT TO :g2",
    "move to itself": "MOVE :g1 TO :g1",
    "move silently what is not there": "MOVE SILENT :no TO :g1",
    "add": "ADD :g1 TO :g2",
    "add to the default": "ADD :g1 TO DEFAULT",
    "add from the default": "ADD DEFAULT TO :new",
    "add to itself": "ADD :g1 TO :g1",
    "add silently what is not there": "ADD SILENT :no TO :g1",
    "load silently what is away": "LOAD SILENT <http://127.0.0.1:1/away.ttl>",
    "load silently into a graph": "LOAD SILENT <http://127.0.0.1:1/away.ttl> INTO GRAPH :g1",
    "clear silently the default, twice": "CLEAR SILENT DEFAULT; CLEAR SILENT DEFAULT",
    "drop silently the default, twice": "DROP SILENT DEFAULT; DROP SILENT DEFAULT",
    "copy silently what is not there to the default": "COPY SILENT :no TO DEFAULT",
    "move silently what is not there to the default": "MOVE SILENT :no TO DEFAULT",
    "add silently what is not there to the default": "ADD SILENT :no TO DEFAULT",
    "silently, and on": "LOAD SILENT <http://127.0.0.1:1/away.ttl>; INSERT DATA { :n :p 1 }",
    "several": "DELETE DATA { :a :p :b }; INSERT DATA { :a :p :c }; CLEAR GRAPH :g1",
    "several, and the last fails": "INSERT DATA { :a :p :c }; CREATE GRAPH :g1",
    "a prologue each": "PREFIX x: <urn:> INSERT DATA { x:a x:b 1 }; PREFIX y: <urn:y:> "
    "INSERT DATA { y:a x:b 1 }",
    "a trailing semicolon": "INSERT DATA { :n :p 1 };",
    "nothing": "",
    "a variable among data": "INSERT DATA { ?s :p 1 }",
    "a blank node among what goes": "DELETE DATA { _:a :p 1 }",
    "a query": "SELECT * { ?s ?p ?o }",
}


@pytest.fixture(scope="module")
def speaker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Speaker]:
    with running(tmp_path_factory.mktemp("update") / "data", STRICT, things=1) as service:
        yield Speaker(service)


def canonical(quads: list[ox.Quad]) -> ox.Dataset:
    """The statements, their blank nodes named by what is said of them."""
    found = ox.Dataset(quads)
    found.canonicalize(ox.CanonicalizationAlgorithm.UNSTABLE)
    return found


def names(speaker: Speaker) -> list[str]:
    data = speaker.query("SELECT ?g { GRAPH ?g {} }", JSON).body
    return sorted(row["g"]["value"] for row in json.loads(data)["results"]["bindings"])


def content(speaker: Speaker) -> list[ox.Quad]:
    """Every statement outside the records of the service, read at once."""
    text = "SELECT * { { ?s ?p ?o } UNION { GRAPH ?g { ?s ?p ?o } } }"
    answer = ox.parse_query_results(speaker.query(text, JSON).body, ox.QueryResultsFormat.JSON)
    assert isinstance(answer, ox.QuerySolutions)
    return [ox.Quad(one["s"], one["p"], one["o"], one["g"]) for one in answer]


def begin(speaker: Speaker, engine: ox.Store) -> None:
    """Have the service hold what the engine holds, in one commit: faster than by an update."""
    replace = dict.fromkeys(names(speaker), b"")
    for graph in (ox.DefaultGraph(), *engine.named_graphs()):
        name = graph.value if isinstance(graph, ox.NamedNode) else DEFAULT_GRAPH
        replace[name] = engine.dump(format=ox.RdfFormat.N_TRIPLES, from_graph=graph) or EMPTY
    speaker.service.store.commit(Change(replace, shared_blank_nodes=True))


@pytest.mark.parametrize("name", UPDATES)
def test_an_update_leaves_what_the_engine_leaves(speaker: Speaker, name: str) -> None:
    engine = ox.Store()
    engine.update(PROLOGUE + BEGINNING, base_iri=BASE)
    begin(speaker, engine)
    text = PROLOGUE + UPDATES[name]
    try:
        engine.update(rewrite_update(text), base_iri=BASE)
        status = 204
    except (SyntaxError, RuntimeError, ValueError):
        status = 400
    assert speaker.update(text).status == status
    kept = sorted(one.value for one in engine.named_graphs())
    assert names(speaker) == kept
    assert canonical(content(speaker)) == canonical(list(engine))
