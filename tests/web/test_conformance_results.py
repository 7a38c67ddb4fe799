"""The formats of results over a real socket, byte by byte, and the description of the service.

What is expected is written out from the specifications of the formats: SPARQL 1.1 Query Results
JSON, XML, and CSV and TSV. Each value stands in a graph of its own, put there as Turtle.
"""

import json
from collections.abc import Iterator
from xml.etree import ElementTree

import pytest
import rdflib

from tests.web.service import running
from tests.web.speaking import STRICT, TURTLE, Reply, Speaker

JSON = "application/sparql-results+json"
XML = "application/sparql-results+xml"
CSV = "text/csv"
TSV = "text/tab-separated-values"
XSD = "http://www.w3.org/2001/XMLSchema#"
SPARQL_XML = "{http://www.w3.org/2005/sparql-results#}"


@pytest.fixture(scope="module")
def speaker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Speaker]:
    with running(tmp_path_factory.mktemp("results") / "data", STRICT, things=1) as service:
        found = Speaker(service)
        found.reset()
        turtle = "@prefix xsd: <http://www.w3.org/2001/XMLSchema#> . @prefix : <urn:> .\n"
        turtle += "".join(f"<urn:v:{at}> :v {one[0]} .\n" for at, one in enumerate(VALUES))
        reply = found.say("PUT", "/data?default", turtle, {"Content-Type": TURTLE})
        assert reply.status == 204, reply.body
        yield found


# As written in Turtle; as JSON says it; in CSV; in TSV.
VALUES: list[tuple[str, dict[str, str], str, str]] = [
    ('"simple"', {"type": "literal", "value": "simple"}, "simple", '"simple"'),
    ('""', {"type": "literal", "value": ""}, "", '""'),
    ('"  two  "', {"type": "literal", "value": "  two  "}, "  two  ", '"  two  "'),
    ('"a,b"', {"type": "literal", "value": "a,b"}, '"a,b"', '"a,b"'),
    (r'"say \"hi\""', {"type": "literal", "value": 'say "hi"'}, '"say ""hi"""', r'"say \"hi\""'),
    (r'"a\tb"', {"type": "literal", "value": "a\tb"}, "a\tb", r'"a\tb"'),
    (r'"a\nb"', {"type": "literal", "value": "a\nb"}, '"a\nb"', r'"a\nb"'),
    (r'"a\\b"', {"type": "literal", "value": "a\\b"}, "a\\b", r'"a\\b"'),
    ('"<i> & \'"', {"type": "literal", "value": "<i> & '"}, "<i> & '", '"<i> & \'"'),
    ('"語 😀 é"', {"type": "literal", "value": "語 😀 é"}, "語 😀 é", '"語 😀 é"'),
    ('"=1+1"', {"type": "literal", "value": "=1+1"}, "=1+1", '"=1+1"'),
    (
        '"grüezi"@de',
        {"type": "literal", "value": "grüezi", "xml:lang": "de"},
        "grüezi",
        '"grüezi"@de',
    ),
    ("1", {"type": "literal", "value": "1", "datatype": f"{XSD}integer"}, "1", "1"),
    ("-7", {"type": "literal", "value": "-7", "datatype": f"{XSD}integer"}, "-7", "-7"),
    ("2.5", {"type": "literal", "value": "2.5", "datatype": f"{XSD}decimal"}, "2.5", "2.5"),
    ("true", {"type": "literal", "value": "true", "datatype": f"{XSD}boolean"}, "true", "true"),
    (
        '"2020-02-29"^^xsd:date',
        {"type": "literal", "value": "2020-02-29", "datatype": f"{XSD}date"},
        "2020-02-29",
        f'"2020-02-29"^^<{XSD}date>',
    ),
    (
        '"nope"^^xsd:integer',
        {"type": "literal", "value": "nope", "datatype": f"{XSD}integer"},
        "nope",
        f'"nope"^^<{XSD}integer>',
    ),
    (
        '"x"^^:own',
        {"type": "literal", "value": "x", "datatype": "urn:own"},
        "x",
        '"x"^^<urn:own>',
    ),
    (
        "<http://example.org/ü/%20/語?a=b&c#d>",
        {"type": "uri", "value": "http://example.org/ü/%20/語?a=b&c#d"},
        "http://example.org/ü/%20/語?a=b&c#d",
        "<http://example.org/ü/%20/語?a=b&c#d>",
    ),
]


def value(speaker: Speaker, at: int, accept: str) -> Reply:
    reply = speaker.query(f"SELECT ?v ?none {{ <urn:v:{at}> ?p ?v }}", accept)
    assert (reply.status, reply.kind) == (200, accept)
    return reply


@pytest.mark.parametrize("at", range(len(VALUES)), ids=[one[0] for one in VALUES])
def test_a_value_is_written_in_the_four_formats(speaker: Speaker, at: int) -> None:
    _, term, csv, tsv = VALUES[at]
    assert json.loads(value(speaker, at, JSON).body) == {
        "head": {"vars": ["v", "none"]},
        "results": {"bindings": [{"v": term}]},
    }
    assert value(speaker, at, CSV).body.decode() == f"v,none\r\n{csv},\r\n"
    assert value(speaker, at, TSV).body.decode() == f"?v\t?none\n{tsv}\t\n"
    root = ElementTree.fromstring(value(speaker, at, XML).body)
    assert [one.get("name") for one in root.iter(f"{SPARQL_XML}variable")] == ["v", "none"]
    (binding,) = root.iter(f"{SPARQL_XML}binding")
    (node,) = binding
    said = {"type": node.tag.removeprefix(SPARQL_XML), "value": node.text or ""}
    language = node.get("{http://www.w3.org/XML/1998/namespace}lang")
    said |= {"xml:lang": language} if language else {}
    datatype = node.get("datatype")
    said |= {"datatype": datatype} if datatype else {}
    assert (binding.get("name"), said) == ("v", {**term, "type": node_type(term["type"])})


def node_type(name: str) -> str:
    """What an element of XML is called for the type of a term in JSON."""
    return {"uri": "uri", "literal": "literal", "bnode": "bnode"}[name]


def test_a_blank_node_has_one_label_within_an_answer(speaker: Speaker) -> None:
    query = "SELECT ?a ?b ?c { BIND(BNODE('x') AS ?a) BIND(BNODE('x') AS ?b) BIND(BNODE() AS ?c) }"
    row = json.loads(speaker.query(query, JSON).body)["results"]["bindings"][0]
    assert {term["type"] for term in row.values()} == {"bnode"}
    assert row["a"] == row["b"] != row["c"]
    labels = speaker.query(query, TSV).body.decode().splitlines()[1].split("\t")
    assert all(one.startswith("_:") for one in labels)


@pytest.mark.parametrize(
    ("query", "truth"), [("ASK {}", "true"), ("ASK { <urn:no> ?p 1 }", "false")]
)
def test_a_boolean_is_written_in_each_format(speaker: Speaker, query: str, truth: str) -> None:
    assert json.loads(speaker.query(query, JSON).body) == {"head": {}, "boolean": truth == "true"}
    root = ElementTree.fromstring(speaker.query(query, XML).body)
    assert root.tag == f"{SPARQL_XML}sparql"
    assert [one.text for one in root.iter(f"{SPARQL_XML}boolean")] == [truth]
    for accept in (CSV, TSV):
        assert speaker.query(query, accept).body == truth.encode()


@pytest.mark.parametrize(
    ("accept", "body"),
    [
        (JSON, b'{"head":{"vars":["b","a"]},"results":{"bindings":[]}}'),
        (CSV, b"b,a\r\n"),
        (TSV, b"?b\t?a\n"),
    ],
)
def test_no_rows_are_an_answer_with_its_variables_in_their_order(
    speaker: Speaker, accept: str, body: bytes
) -> None:
    assert speaker.query("SELECT ?b ?a { ?a <urn:none> ?b }", accept).body == body


def test_a_row_without_values_is_a_row(speaker: Speaker) -> None:
    query = "SELECT ?a ?b {}"
    assert json.loads(speaker.query(query, JSON).body)["results"]["bindings"] == [{}]
    assert speaker.query(query, CSV).body == b"a,b\r\n,\r\n"
    assert speaker.query(query, TSV).body == b"?a\t?b\n\t\n"
    root = ElementTree.fromstring(speaker.query(query, XML).body)
    assert len(list(root.iter(f"{SPARQL_XML}result"))) == 1


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("application/json", "application/json"),
        ("*/*", JSON),
        ("application/sparql-results+xml, application/sparql-results+json", XML),
        ("application/sparql-results+xml;q=0.5, application/sparql-results+json;q=0.6", JSON),
        ("text/*", CSV),
        ("application/*;q=0.1, text/tab-separated-values;q=0.9", TSV),
        ("text/turtle, application/sparql-results+json;q=0.2", JSON),
        ("TEXT/CSV", CSV),
    ],
)
def test_the_client_says_which_format(speaker: Speaker, accept: str, kind: str) -> None:
    assert speaker.query("ASK {}", accept).kind == kind


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("*/*", "turtle"),
        (TURTLE, "turtle"),
        ("application/rdf+xml", "xml"),
        ("application/n-triples", "nt"),
        ("application/ld+json", "json-ld"),
    ],
)
# rdflib's own JSON-LD parser uses a class that rdflib deprecates.
@pytest.mark.filterwarnings("ignore:ConjunctiveGraph:DeprecationWarning")
def test_the_endpoint_describes_its_service(speaker: Speaker, accept: str, form: str) -> None:
    reply = speaker.say("GET", "/sparql", headers={"Accept": accept})
    assert reply.status == 200
    found = rdflib.Graph().parse(data=reply.body, format=form)
    sd = rdflib.Namespace("http://www.w3.org/ns/sparql-service-description#")
    (service,) = found.subjects(rdflib.RDF.type, sd.Service)
    (endpoint,) = found.objects(service, sd.endpoint)
    assert str(endpoint) == f"http://127.0.0.1:{speaker.service.port}/sparql"
    assert sd.SPARQL11Query in set(found.objects(service, sd.supportedLanguage))
    assert sd.SPARQL11Update in set(found.objects(service, sd.supportedLanguage))
    assert sd.UnionDefaultGraph not in set(found.objects(service, sd.feature))
    assert sd.BasicFederatedQuery not in set(found.objects(service, sd.feature))
    (dataset,) = found.objects(service, sd.defaultDataset)
    assert (dataset, rdflib.RDF.type, sd.Dataset) in found
    (default,) = found.objects(dataset, sd.defaultGraph)
    assert (default, rdflib.RDF.type, sd.Graph) in found
