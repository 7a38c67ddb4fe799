"""What YASGUI and the editor of SIB ask of an endpoint, and whether they can read the answers.

Both run in a browser on another origin. The requests are those of their sources: YASGUI's
``yasqe/src/sparql.ts`` and ``defaults.ts``, read by ``yasr/src/parsers``; SIB's
``sparql-editor/src/metadata.ts``. SIB's editor is YASGUI with three questions of its own on top:
for prefixes, for a VoID description to complete from, and for examples.
"""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from urllib.parse import quote, urlencode

import pytest
from pyoxigraph import RdfFormat, parse

from coprod_kg.access import Role, Tokens
from coprod_kg.model.namespaces import prefixes
from coprod_kg.queries.library import load
from tests.prepared import Prepared
from tests.test_serve_command import Serving, examples, served

ORIGIN = "https://editor.example.org"
SELECT = "application/sparql-results+json,*/*;q=0.9"
GRAPH = "application/n-triples,*/*;q=0.9"
UPDATE = "text/plain,*/*;q=0.9"
RESULTS = "application/sparql-results+json"

PREFIXES = """PREFIX sh: <http://www.w3.org/ns/shacl#>
SELECT DISTINCT ?prefix ?namespace
WHERE { ?declared sh:prefix ?prefix ; sh:namespace ?namespace . }
ORDER BY ?prefix"""

EXAMPLES = """PREFIX sh: <http://www.w3.org/ns/shacl#>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
SELECT DISTINCT ?sq ?comment ?query
WHERE {
  ?sq a sh:SPARQLExecutable ;
    rdfs:comment ?comment ;
    sh:select|sh:ask|sh:construct|sh:describe ?query .
} ORDER BY ?sq"""

# Our words for their question: every property partition of a class, what it leads to, and the
# names of both where the endpoint has them.
PARTITIONS = """PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
PREFIX sd: <http://www.w3.org/ns/sparql-service-description#>
PREFIX void: <http://rdfs.org/ns/void#>
PREFIX void-ext: <http://ldf.fi/void-ext#>
SELECT DISTINCT ?graph ?graphLabel ?subjectClass ?prop ?objectClass ?objectDatatype ?triples
  ?subjectClassLabel ?propLabel
WHERE {
  {
    OPTIONAL {
      ?graph sd:graph ?described .
      OPTIONAL { ?graph rdfs:label ?graphLabel }
      ?described void:classPartition ?classes .
    }
    ?classes void:class ?subjectClass ; void:propertyPartition ?properties .
    OPTIONAL { ?subjectClass rdfs:label ?subjectClassLabel }
    ?properties void:property ?prop .
    OPTIONAL { ?properties void:triples ?triples }
    OPTIONAL { ?prop rdfs:label ?propLabel }
    OPTIONAL {
      { ?properties void:classPartition [ void:class ?objectClass ] }
      UNION
      { ?properties void-ext:datatypePartition [ void-ext:datatype ?objectDatatype ] }
    }
  }
  UNION
  {
    ?links void:subjectsTarget [ void:class ?subjectClass ] ;
      void:linkPredicate ?prop ; void:objectsTarget [ void:class ?objectClass ] .
  }
} ORDER BY ?subjectClass ?objectClass ?objectDatatype ?graph ?triples"""


@dataclass(frozen=True)
class Reply:
    """What a script in a browser gets to see."""

    status: int
    headers: Message
    body: bytes

    def bindings(self) -> list[dict[str, dict[str, str]]]:
        """The rows as both editors read them."""
        assert RESULTS in self.headers["Content-Type"]
        found: list[dict[str, dict[str, str]]] = json.loads(self.body)["results"]["bindings"]
        return found


@dataclass(frozen=True)
class Browser:
    """A page of another origin that asks the endpoint; it may read only what CORS lets it."""

    endpoint: str

    def send(
        self, method: str, query: str = "", body: bytes | None = None, **headers: str
    ) -> Reply:
        """One request as ``fetch`` sends it."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        asked = urllib.request.Request(
            self.endpoint + query, body, {"Origin": ORIGIN, **named}, method=method
        )
        try:
            with urllib.request.urlopen(asked, timeout=60) as answer:
                reply = Reply(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                reply = Reply(error.code, error.headers, error.read())
        assert reply.headers["Access-Control-Allow-Origin"] in ("*", ORIGIN)
        return reply

    def yasgui(self, accept: str = SELECT, **form: str) -> Reply:
        """YASGUI's own way: a form in a POST, which a browser sends without a preflight."""
        kind = "application/x-www-form-urlencoded"
        return self.send("POST", "", urlencode(form).encode(), Accept=accept, Content_Type=kind)

    def sib(self, query: str) -> Reply:
        """SIB's way to ask for metadata: GET, one parameter more than the protocol knows."""
        return self.send("GET", f"?ac=1&query={quote(query)}", Accept=RESULTS)


@pytest.fixture(scope="module")
def service(prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """The service as it is started, with its example data."""
    with served(examples(prepared, tmp_path_factory.mktemp("edited")), "--workers", "2") as running:
        yield running


@pytest.fixture(scope="module")
def browser(service: Serving) -> Browser:
    return Browser(f"{service.url}/sparql")


def test_yasgui_reads_the_rows_of_its_first_query(browser: Browser) -> None:
    reply = browser.yasgui(query="SELECT * WHERE {\n  ?sub ?pred ?obj .\n} LIMIT 10")
    assert reply.status == 200
    assert set(json.loads(reply.body)["head"]["vars"]) == {"sub", "pred", "obj"}
    assert len(reply.bindings()) == 10
    kinds = {cell["type"] for row in reply.bindings() for cell in row.values()}
    assert kinds <= {"uri", "literal", "typed-literal", "bnode"}


def test_yasgui_asks_by_get_too(browser: Browser) -> None:
    text = "SELECT (COUNT(*) AS ?n) WHERE { ?a ?b ?c }"
    by_get = browser.send("GET", f"?{urlencode({'query': text})}", Accept=SELECT)
    assert by_get.bindings() == browser.yasgui(query=text).bindings()


def test_yasgui_reads_a_truth_value(browser: Browser) -> None:
    reply = browser.yasgui(query="ASK { ?a ?b ?c }")
    assert RESULTS in reply.headers["Content-Type"]
    assert json.loads(reply.body)["boolean"] is True


@pytest.mark.parametrize("form", ["CONSTRUCT WHERE { ?a a ?c }", "DESCRIBE ?c WHERE { ?a a ?c }"])
def test_yasgui_reads_a_graph_by_the_name_of_its_format(browser: Browser, form: str) -> None:
    """Its parser takes a body for triples where the media type names them."""
    reply = browser.yasgui(GRAPH, query=f"{form} LIMIT 5")
    assert "triple" in reply.headers["Content-Type"]
    assert len(list(parse(reply.body, RdfFormat.N_TRIPLES))) >= 5


def test_yasgui_asks_one_graph_where_it_is_set_to(browser: Browser, service: Serving) -> None:
    graph = "https://w3id.org/coprod/graph/ontology"
    text = "SELECT DISTINCT ?g WHERE { GRAPH ?g { ?a ?b ?c } }"
    reply = browser.yasgui(**{"query": text, "named-graph-uri": graph})
    assert [row["g"]["value"] for row in reply.bindings()] == [graph]


def test_yasgui_shows_what_is_wrong_with_a_query(browser: Browser) -> None:
    """It shows status and text of an error that it may read, and guesses at CORS else."""
    reply = browser.yasgui(query="SELECT * WHERE { ?a ?b }")
    assert reply.status == 400
    assert "line 1" in reply.body.decode()


def test_a_browser_may_send_a_token_and_yasgui_an_update(
    browser: Browser, service: Serving
) -> None:
    token = Tokens(service.data).create("editor", Role.CURATOR)
    before = browser.send(
        "OPTIONS",
        Access_Control_Request_Method="POST",
        Access_Control_Request_Headers="authorization,content-type",
    )
    assert before.status in (200, 204)
    assert "POST" in before.headers["Access-Control-Allow-Methods"]
    allowed = before.headers["Access-Control-Allow-Headers"].lower()
    assert {"authorization", "content-type"} <= {name.strip() for name in allowed.split(",")}
    text = "INSERT DATA { GRAPH <urn:edited> { <urn:a> <urn:b> 1 } }"
    assert browser.yasgui(UPDATE, update=text).status == 401
    body = urlencode({"update": text}).encode()
    kind = "application/x-www-form-urlencoded"
    done = browser.send(
        "POST", "", body, Accept=UPDATE, Content_Type=kind, Authorization=f"Bearer {token}"
    )
    assert 200 <= done.status < 300
    asked = browser.yasgui(query="ASK { <urn:a> <urn:b> 1 }")
    assert json.loads(asked.body)["boolean"] is True


def test_sib_finds_the_prefixes(browser: Browser) -> None:
    found = {
        row["prefix"]["value"]: row["namespace"]["value"]
        for row in browser.sib(PREFIXES).bindings()
    }
    assert found["cp"] == "https://w3id.org/coprod/ontology#"
    assert found.keys() == prefixes().keys()


def test_sib_finds_every_question_as_an_example_that_runs(browser: Browser) -> None:
    found = browser.sib(EXAMPLES).bindings()
    texts = {row["query"]["value"]: row["comment"]["value"] for row in found}
    assert texts == {query.text: query.summary for query in load().values()}
    assert len(found) == len(texts)
    assert all(row["sq"]["type"] == "uri" for row in found)
    first = browser.yasgui(query=found[0]["query"]["value"])
    assert first.status == 200
    assert first.bindings() is not None


def test_sib_completes_from_the_partitions(browser: Browser) -> None:
    """For each class every property that its things have, and what it leads to."""
    found = browser.sib(PARTITIONS).bindings()
    leads: dict[str, dict[str, set[str]]] = {}
    for row in found:
        to = leads.setdefault(row["subjectClass"]["value"], {}).setdefault(
            row["prop"]["value"], set()
        )
        to |= {row[end]["value"] for end in ("objectClass", "objectDatatype") if end in row}
    cp = "https://w3id.org/coprod/ontology#"
    initiative = leads[f"{cp}Initiative"]
    asked = f"SELECT DISTINCT ?p WHERE {{ ?one a <{cp}Initiative> ; ?p ?o }}"
    there = {row["p"]["value"] for row in browser.sib(asked).bindings()}
    assert there <= initiative.keys()
    label = "http://www.w3.org/2000/01/rdf-schema#label"
    assert "http://www.w3.org/1999/02/22-rdf-syntax-ns#langString" in initiative[label]
    assert "http://www.w3.org/ns/org#Organization" in initiative[f"{cp}runBy"]
    labelled = [row for row in found if row["subjectClass"]["value"].startswith(cp)]
    assert all("subjectClassLabel" in row for row in labelled)


def test_sib_falls_back_to_classes_and_properties(browser: Browser) -> None:
    classes = browser.sib("SELECT DISTINCT ?cls WHERE { [] a ?cls . }").bindings()
    assert "https://w3id.org/coprod/ontology#Initiative" in {row["cls"]["value"] for row in classes}
    predicates = browser.sib("SELECT DISTINCT ?pred WHERE { [] ?pred [] . }").bindings()
    assert len(predicates) > 20


def test_sib_reads_the_endpoint_as_a_description_where_a_question_has_no_rows(
    browser: Browser,
) -> None:
    """It gives the address to Comunica as a file: RDF must come, whatever HTML could."""
    accept = "application/n-quads,application/trig;q=0.95,application/ld+json;q=0.9,"
    accept += "application/n-triples;q=0.8,text/turtle;q=0.6,text/html;q=0.2"
    reply = browser.send("GET", Accept=accept)
    assert reply.status == 200
    assert reply.headers["Content-Type"].split(";")[0] in accept
    assert b"sparql-service-description#" in reply.body
