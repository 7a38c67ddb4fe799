"""Queries of every kind over a real socket: what we answer is what the engine answers in process.

Nothing between the socket and the engine may bend a query or its answer, so each answer is
compared with pyoxigraph's over the same statements, as graphs of the result-set vocabulary would.
"""

import json
from collections.abc import Iterator

import pyoxigraph as ox
import pytest

from coprod_kg.sparql.query_dialect import rewrite_query
from tests.web.service import running
from tests.web.speaking import STRICT, TURTLE, UPDATE, Speaker

PROLOGUE = """
PREFIX : <http://example.org/>
PREFIX xsd: <http://www.w3.org/2001/XMLSchema#>
PREFIX rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
"""
DEFAULT = """
@prefix : <http://example.org/> . @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
:a :p :b ; :v 1 , 01 , "+1"^^xsd:integer , 2 ; :name "Ann"@EN-gb , "Ann" , "Änne"@de .
:b :p :c ; :v 2.0 , 2.50 , 1.0e0 , "INF"^^xsd:double ; :name "" , "  " ; :q [ :v 3 ; :p :a ] .
:c :p :a , :d ; :v true , "1"^^xsd:boolean , "x" , "2020-02-29"^^xsd:date ; :list ( 1 2 "z" ) .
:d :v "2011-01-10T14:45:13.815-05:00"^^xsd:dateTime , "nope"^^xsd:integer , "float"^^xsd:float .
<http://example.org/ü/語> :p <http://example.org/%C3%BC> ; :name "語😀" .
_:x :p _:y . _:y :v "blank" .
"""
GRAPHS = {
    "http://example.org/g1": "@prefix : <http://example.org/> . :a :in :g1 . :a :v 10 . _:x :v 5 .",
    "http://example.org/g2": "@prefix : <http://example.org/> . :b :in :g2 . :a :v 20 .",
    "http://example.org/empty": "",
}
QUERIES = {
    "basic": "SELECT * { ?s :p ?o }",
    "numbers keep their order": "SELECT ?v { ?s :v ?v } ORDER BY ?v",
    "distinct": "SELECT DISTINCT ?p { ?s ?p ?o }",
    "reduced": "SELECT REDUCED ?p { ?s ?p ?o }",
    "slice": "SELECT ?s ?o { ?s :p ?o FILTER(ISIRI(?s)) } ORDER BY ?s ?o OFFSET 1 LIMIT 3",
    "optional": "SELECT * { ?s :p ?o OPTIONAL { ?o :v ?v FILTER(?v > 1) } }",
    "union": "SELECT * { { ?s :p ?x } UNION { ?s :q ?y } }",
    "named": "SELECT * { GRAPH ?g { ?s ?p ?o } }",
    "names": "SELECT * { GRAPH ?g {} }",
    "named and default": "SELECT * { ?s :p ?o GRAPH ?g { ?s :v ?v } }",
    "one graph": "SELECT * { GRAPH :g1 { ?s ?p ?o } }",
    "no such graph": "SELECT * { GRAPH :none { ?s ?p ?o } }",
    "from": "SELECT * FROM :g1 FROM :g2 { ?s ?p ?o }",
    "from glued": "SELECT * FROM:g1 { ?s ?p ?o }",
    "from named": "SELECT * FROM :g1 FROM NAMED :g2 { ?s :v ?v GRAPH ?g { ?s :v ?w } }",
    "count": "SELECT (COUNT(*) AS ?n) (COUNT(DISTINCT ?p) AS ?ps) { ?s ?p ?o }",
    "sum": "SELECT ?s (SUM(?v) AS ?n) { ?s :v ?v FILTER(isNumeric(?v)) } GROUP BY ?s",
    "sum of what cannot be": "SELECT (SUM(?v) AS ?n) (AVG(?v) AS ?a) { ?s :v ?v }",
    "avg": "SELECT ?s (AVG(?v) AS ?n) { ?s :v ?v FILTER(isNumeric(?v)) } GROUP BY ?s",
    "avg of nothing": "SELECT (AVG(?v) AS ?n) (SUM(?v) AS ?s) (COUNT(?v) AS ?c) { ?v :no ?x }",
    "min max": "SELECT (MIN(?v) AS ?a) (MAX(?v) AS ?b) { ?s :v ?v FILTER(isNumeric(?v)) }",
    "concat": "SELECT (GROUP_CONCAT(?n; SEPARATOR='|') AS ?x) "
    "{ SELECT ?n { ?s :name ?n } ORDER BY STR(?n) LANG(?n) }",
    "sample": "SELECT (SAMPLE(?o) AS ?x) { :b :p ?o }",
    "having": "SELECT ?s (COUNT(*) AS ?n) { ?s ?p ?o } GROUP BY ?s HAVING(COUNT(*) > 3)",
    "group by expression": "SELECT ?t (COUNT(*) AS ?n) { ?s :v ?v } GROUP BY (DATATYPE(?v) AS ?t)",
    "bind": "SELECT * { ?s :v ?v BIND(?v * 2 AS ?w) FILTER(?w > 3) }",
    "bind that fails": "SELECT * { ?s :name ?v BIND(?v + 1 AS ?w) }",
    "values": "SELECT * { ?s :v ?v VALUES (?s ?v) { (:a 1) (:b UNDEF) } }",
    "values at the end": "SELECT * { ?s :p ?o } VALUES ?o { :b :c }",
    "construct": "CONSTRUCT { ?o :of ?s . ?s :seen [ :v ?o ] } WHERE { ?s :p ?o }",
    "construct where": "CONSTRUCT WHERE { ?s :p ?o . ?o :v ?v }",
    "construct list": "CONSTRUCT { :x :list (1 ?o) } WHERE { :a :p ?o }",
    "describe": "DESCRIBE :c",
    "exists": "SELECT * { ?s :v ?v FILTER EXISTS { ?s :p ?o } }",
    "exists in a graph": "SELECT * { GRAPH ?g { ?s :v ?v FILTER EXISTS { ?s :in ?g2 } } }",
    "not exists": "SELECT * { ?s :v ?v FILTER NOT EXISTS { ?s :p ?o } }",
    "minus": "SELECT * { ?s :v ?v MINUS { ?s :p ?o } }",
    "minus nothing shared": "SELECT * { ?s :p ?o MINUS { ?x :no ?y } }",
    "path sequence": "SELECT * { ?s :p/:p ?o }",
    "path star": "SELECT * { :a :p* ?o }",
    "path plus": "SELECT * { ?s :p+ ?s }",
    "path maybe": "SELECT * { :a :p? ?o }",
    "path inverse": "SELECT * { :b ^:p ?o }",
    "path or": "SELECT * { ?s (:p|:q) ?o }",
    "path negated": "SELECT * { ?s !(:p|:v|^:q) ?o }",
    "path in a list": "SELECT * { :c :list/rdf:rest*/rdf:first ?o }",
    "path of nothing": "SELECT * { :nowhere :p* ?o }",
    "subquery": "SELECT ?s ?n { { SELECT ?s (COUNT(*) AS ?n) { ?s ?p ?o } GROUP BY ?s } ?s :p ?o }",
    "subquery with a limit": "SELECT * { { SELECT ?s { ?s :p :c } ORDER BY ?s LIMIT 1 } ?s :v ?v }",
    "strings": "SELECT (STRLEN(?n) AS ?a) (SUBSTR(?n, 2) AS ?b) (UCASE(?n) AS ?c) "
    "(ENCODE_FOR_URI(?n) AS ?d) (CONCAT(?n, '!') AS ?e) (STRBEFORE(?n, 'n') AS ?f) "
    "(CONTAINS(?n, 'n') AS ?g) (REPLACE(?n, 'n+', '$0-') AS ?h) { ?s :name ?n }",
    "regex": "SELECT * { ?s :name ?n FILTER REGEX(?n, '^a.n$', 'i') }",
    "languages": "SELECT ?n (LANG(?n) AS ?l) { ?s :name ?n FILTER LANGMATCHES(LANG(?n), 'en') }",
    "language tags": "SELECT ?n { ?s :name ?n FILTER(LANG(?n) != '') }",
    "make literals": "SELECT (STRLANG('x', 'EN-gb') AS ?a) (STRDT('01', xsd:integer) AS ?b) "
    "(xsd:integer('07') AS ?c) (xsd:decimal('1.50') AS ?d) (xsd:double('1e3') AS ?e) "
    "('01'^^xsd:integer AS ?f) (+1 AS ?g) (1.0e0 AS ?h) (-0 AS ?i) ('1'^^xsd:boolean AS ?j) {}",
    "numbers": "SELECT (ABS(-1.5) AS ?a) (ROUND(2.5) AS ?b) (CEIL(1.1) AS ?c) (FLOOR(-1.1) AS ?d) "
    "(7/2 AS ?e) (1/0 AS ?f) (1e0/0 AS ?g) (10000000000000000000 AS ?h) {}",
    "dates": "SELECT (YEAR(?v) AS ?a) (MONTH(?v) AS ?b) (SECONDS(?v) AS ?c) (TZ(?v) AS ?d) "
    "(TIMEZONE(?v) AS ?e) { ?s :v ?v FILTER(DATATYPE(?v) = xsd:dateTime) }",
    "hashes": "SELECT (MD5('ü') AS ?a) (SHA1('ü') AS ?b) (SHA256('ü') AS ?c) {}",
    "conditions": "SELECT (IF(1 < 2, 'a', 'b') AS ?a) (COALESCE(1/0, 'c') AS ?b) "
    "(1 IN (1.0, 2) AS ?c) (1 NOT IN (2, 1/0) AS ?d) (SAMETERM(1, 01) AS ?e) {}",
    "iris": "SELECT (IRI('rel') AS ?a) (<rel#x> AS ?b) (ISIRI(?a) AS ?c) (STR(<ü>) AS ?d) {}",
    "base": "BASE <http://base.example/x/> SELECT (IRI('r') AS ?a) (<../y> AS ?b) (<#z> AS ?c) {}",
    "unicode iris": "SELECT * { <http://example.org/ü/語> ?p ?o }",
    "percent is no letter": "SELECT * { ?s :p <http://example.org/ü> }",
    "escapes": r"SELECT ('\u00e9\t\"\\\U0001F600' AS ?a) (<http://example.org/\u00fc> AS ?b) {}",
    "comments": "SELECT * # FROM :g1 \n { ?s :p ?o } # SERVICE <urn:x> {}",
    "a silent call": "SELECT ?s ?v ?z { ?s :v ?v SERVICE SILENT <urn:away> { ?s :w ?z } }",
    "a silent call in OPTIONAL": "SELECT ?s ?z { ?s :p ?o "
    "OPTIONAL { SERVICE SILENT <urn:away> { ?s :w ?z } } }",
    "a silent call alone": "SELECT * { SERVICE SILENT <urn:away> { ?s ?p ?o } }",
    "a silent call by a variable": "SELECT ?s ?z { VALUES ?there { <urn:away> <urn:gone> } "
    "SERVICE SILENT ?there { ?s :w ?z } }",
    "glued": "SELECT*{?s:p?o}ORDER BY?s",
    "ask": "ASK { :a :v 1.0 }",
    "ask equal": "ASK { :a :v ?v FILTER(?v = 1.0) }",
    "blank": "SELECT * { ?x :v 'blank' }",
    "same variables": "SELECT ?s { ?s ?s ?s }",
    "errors in filters": "SELECT * { ?s :v ?v FILTER(?v + 1 > 2 || true) }",
    "order by many": "SELECT ?v { ?s :v ?v } ORDER BY DESC(DATATYPE(?v)) ASC(STR(?v))",
    "quoted triples": "SELECT * { <<( :a :p ?o )>> ?q ?z }",
}


@pytest.fixture(scope="module")
def engine() -> ox.Store:
    store = ox.Store()
    store.load(DEFAULT.encode(), ox.RdfFormat.TURTLE)
    for name, text in GRAPHS.items():
        store.add_graph(ox.NamedNode(name))
        store.load(text.encode(), ox.RdfFormat.TURTLE, to_graph=ox.NamedNode(name))
    return store


@pytest.fixture(scope="module")
def speaker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Speaker]:
    with running(tmp_path_factory.mktemp("evaluation") / "data", STRICT, things=1) as service:
        found = Speaker(service)
        found.reset()
        for target, text in [("default", DEFAULT), *((f"graph={n}", t) for n, t in GRAPHS.items())]:
            reply = found.say("PUT", f"/data?{target}", text, {"Content-Type": TURTLE})
            assert reply.status in (201, 204), reply.body
        yield found


def in_process(engine: ox.Store, text: str) -> bytes:
    answer = engine.query(text, base_iri="https://w3id.org/coprod/")
    if isinstance(answer, ox.QueryTriples):
        return answer.serialize(format=ox.RdfFormat.TURTLE) or b""
    return answer.serialize(format=ox.QueryResultsFormat.JSON) or b""


def canonical(turtle: bytes) -> ox.Dataset:
    """The statements, their blank nodes named by what is said of them."""
    found = ox.Dataset(ox.parse(turtle, ox.RdfFormat.TURTLE))
    found.canonicalize(ox.CanonicalizationAlgorithm.UNSTABLE)
    return found


def rows(data: bytes) -> object:
    """The answer without the names of blank nodes and the order of rows, which mean nothing."""
    told = json.loads(data)
    if "boolean" in told:
        return told
    found = told["results"]["bindings"]
    for row in found:
        for term in row.values():
            if term["type"] == "bnode":
                term["value"] = "blank"
    return told["head"], sorted(json.dumps(row, sort_keys=True) for row in found)


@pytest.mark.parametrize("name", QUERIES)
def test_an_answer_is_the_engines(speaker: Speaker, engine: ox.Store, name: str) -> None:
    text = PROLOGUE + QUERIES[name]
    try:
        expected = in_process(engine, text)
    except SyntaxError:
        assert speaker.query(text, "*/*").status == 400
        return
    reply = speaker.query(text, "*/*")
    assert reply.status == 200, reply.body
    if reply.kind == TURTLE:
        assert canonical(reply.body) == canonical(expected)
    else:
        assert rows(reply.body) == rows(expected)


def test_rows_that_are_ordered_come_in_that_order(speaker: Speaker, engine: ox.Store) -> None:
    text = f"{PROLOGUE} SELECT ?s ?v {{ ?s :v ?v FILTER(isIRI(?s)) }} ORDER BY DESC(?v) ?s"
    assert speaker.query(text, "*/*").body == in_process(engine, rewrite_query(text))


@pytest.mark.parametrize(
    "bad", ["SELECT", "SELECT * { ?s }", "SELECT ?x { :a :b ?x }", "ASK {} {}"]
)
def test_what_is_no_query_is_none_here_either(speaker: Speaker, engine: ox.Store, bad: str) -> None:
    with pytest.raises(SyntaxError):
        engine.query(bad)
    assert speaker.query(bad, "*/*").status == 400
    assert speaker.say("POST", "/sparql", bad, {"Content-Type": UPDATE}).status == 400
