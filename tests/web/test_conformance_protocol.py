"""The SPARQL 1.1 Protocol over a real socket, case by case from sections 2.1 and 2.2.

Each row is a request and what the specification says comes of it.
"""

import json
from collections.abc import Iterator

import pytest

from tests.web.service import running
from tests.web.speaking import (
    FORM,
    QUERY,
    STRICT,
    TURTLE,
    UPDATE,
    Reply,
    Speaker,
    address,
    form,
)

JSON = "application/sparql-results+json"
DATA = """
INSERT DATA {
  <urn:s> <urn:p> "default" .
  GRAPH <urn:g1> { <urn:s> <urn:p> "one" }
  GRAPH <urn:g2> { <urn:s> <urn:p> "two" }
}"""
ALL = "SELECT ?o { ?s ?p ?o } ORDER BY ?o"
NAMED = "SELECT ?g { GRAPH ?g { ?s ?p ?o } } ORDER BY ?g"
G1, G2 = ("default-graph-uri", "urn:g1"), ("default-graph-uri", "urn:g2")
N1, N2 = ("named-graph-uri", "urn:g1"), ("named-graph-uri", "urn:g2")


@pytest.fixture(scope="module")
def speaker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Speaker]:
    folder = tmp_path_factory.mktemp("protocol") / "data"
    with running(folder, STRICT, things=1) as service:
        found = Speaker(service)
        found.reset(DATA)
        yield found


def ask(speaker: Speaker, how: str, *pairs: tuple[str, str]) -> Reply:
    """The parameters, query among them, sent in one of the three ways of section 2.1."""
    if how == "get":
        return speaker.say("GET", f"/sparql?{form(*pairs)}")
    if how == "form":
        return speaker.say("POST", "/sparql", form(*pairs), {"Content-Type": FORM})
    query = dict(pairs)["query"]
    rest = [one for one in pairs if one[0] != "query"]
    return speaker.say("POST", f"/sparql?{form(*rest)}", query, {"Content-Type": QUERY})


def values(reply: Reply) -> list[str]:
    assert reply.status == 200, reply.body
    rows = json.loads(reply.body)["results"]["bindings"]
    return [term["value"] for row in rows for term in row.values()]


@pytest.mark.parametrize("how", ["get", "form", "direct"])
@pytest.mark.parametrize(
    ("query", "dataset", "found"),
    [
        (ALL, (), ["default"]),
        (ALL, (G1,), ["one"]),
        (ALL, (G1, G2), ["one", "two"]),
        (ALL, (N1,), []),
        (NAMED, (N1,), ["urn:g1"]),
        (NAMED, (N1, N2), ["urn:g1", "urn:g2"]),
        (NAMED, (G1,), []),
        (NAMED, (G1, N2), ["urn:g2"]),
        (NAMED, (), ["urn:g1", "urn:g2"]),
        ("SELECT ?o FROM <urn:g2> { ?s ?p ?o }", (), ["two"]),
        ("SELECT ?o FROM <urn:g2> { ?s ?p ?o }", (G1,), ["one"]),
        ("SELECT ?g FROM NAMED <urn:g2> { GRAPH ?g { ?s ?p ?o } }", (), ["urn:g2"]),
        ("SELECT ?g FROM NAMED <urn:g2> { GRAPH ?g { ?s ?p ?o } }", (N1,), ["urn:g1"]),
        ("SELECT ?g FROM NAMED <urn:g2> { GRAPH ?g { ?s ?p ?o } }", (G1,), []),
        (ALL, (("default-graph-uri", "urn:missing"),), []),
    ],
)
def test_the_dataset_of_the_request_wins_over_that_of_the_query(
    speaker: Speaker, how: str, query: str, dataset: tuple[tuple[str, str], ...], found: list[str]
) -> None:
    assert values(ask(speaker, how, ("query", query), *dataset)) == found


@pytest.mark.parametrize("how", ["get", "form", "direct"])
@pytest.mark.parametrize(
    ("query", "kinds"),
    [
        ("ASK { ?s ?p ?o }", (JSON, "application/sparql-results+xml")),
        (
            "SELECT * { ?s ?p ?o }",
            (JSON, "application/sparql-results+xml", "text/csv", "text/tab-separated-values"),
        ),
        (
            "CONSTRUCT WHERE { ?s ?p ?o }",
            (TURTLE, "application/n-triples", "application/rdf+xml", "application/ld+json"),
        ),
        ("DESCRIBE <urn:s>", (TURTLE, "application/n-triples", "application/rdf+xml")),
    ],
)
def test_each_form_of_query_is_answered_in_each_format(
    speaker: Speaker, how: str, query: str, kinds: tuple[str, ...]
) -> None:
    for kind in kinds:
        pairs = form(("query", query))
        match how:
            case "get":
                reply = speaker.say("GET", f"/sparql?{pairs}", headers={"Accept": kind})
            case "form":
                headers = {"Accept": kind, "Content-Type": FORM}
                reply = speaker.say("POST", "/sparql", pairs, headers)
            case _:
                headers = {"Accept": kind, "Content-Type": QUERY}
                reply = speaker.say("POST", "/sparql", query, headers)
        assert (reply.status, reply.kind) == (200, kind)
        assert reply.body
    assert ask(speaker, how, ("query", query)).kind == kinds[0]


@pytest.mark.parametrize(
    "kind",
    [
        FORM,
        f"{FORM}; charset=UTF-8",
        f"{FORM};charset=utf-8",
        FORM.upper(),
        f'{FORM}; charset="utf-8"',
    ],
)
def test_a_form_is_known_by_its_type_however_it_is_written(speaker: Speaker, kind: str) -> None:
    reply = speaker.say("POST", "/sparql", form(("query", ALL)), {"Content-Type": kind})
    assert values(reply) == ["default"]


@pytest.mark.parametrize(
    ("method", "target", "body", "kind"),
    [
        # 2.1: query via GET or POST only, and exactly one query
        ("PUT", address(query=ALL), None, None),
        ("DELETE", address(query=ALL), None, None),
        ("PATCH", address(query=ALL), None, None),
        ("PUT", "/sparql", form(("query", ALL)), FORM),
        ("GET", f"/sparql?{form(('query', ALL), ('query', ALL))}", None, None),
        ("POST", "/sparql", form(("query", ALL), ("query", ALL)), FORM),
        ("POST", address(query=ALL), ALL, QUERY),
        ("POST", address(query=ALL), form(("query", ALL)), FORM),
        ("POST", "/sparql", "", FORM),
        ("POST", "/sparql", None, None),
        ("POST", address(query=ALL), None, None),
        # 2.1.2, 2.1.3: the content type says which of the two ways it is
        ("POST", "/sparql", form(("query", ALL)), "text/plain"),
        ("POST", "/sparql", form(("query", ALL)), None),
        ("POST", "/sparql", form(("query", ALL)), QUERY),
        ("POST", "/sparql", form(("query", ALL)), "multipart/form-data; boundary=x"),
        ("POST", "/sparql", ALL, FORM),
        ("POST", "/sparql", ALL, "text/plain"),
        ("POST", "/sparql", ALL, "application/sparql"),
        ("POST", "/sparql", ALL.encode("utf-16"), QUERY),
        ("POST", "/sparql", ALL.encode("utf-16"), f"{QUERY}; charset=UTF-16"),
        ("POST", "/sparql", b'ASK { ?s ?p "\xff" }', QUERY),
        ("POST", "/sparql", b"query=ASK%20%7B%20%3Fs%20%3Fp%20%22%FF%22%20%7D", FORM),
        ("GET", "/sparql?query=ASK%20%7B%20%3Fs%20%3Fp%20%22%FF%22%20%7D", None, None),
        # 2.1.6: a query that is none
        ("GET", address(query="nothing"), None, None),
        ("GET", address(query=""), None, None),
        ("POST", "/sparql", "SELECT ?x", QUERY),
        ("GET", address(query="SELECT ?x { ?x ?y }"), None, None),
        ("POST", "/sparql", "CLEAR ALL", QUERY),
        ("POST", "/sparql", form(("query", "CLEAR ALL")), FORM),
        ("GET", address(query=ALL, default_graph_uri="no iri"), None, None),
        # 2.2: update via POST only, and exactly one update
        ("GET", address(update="CLEAR ALL"), None, None),
        ("PUT", "/sparql", "CLEAR ALL", UPDATE),
        ("PUT", "/sparql", form(("update", "CLEAR ALL")), FORM),
        ("DELETE", address(update="CLEAR ALL"), None, None),
        ("POST", address(update="CLEAR ALL"), None, None),
        ("POST", address(update="CLEAR ALL"), "CLEAR ALL", UPDATE),
        ("POST", "/sparql", form(("update", "CLEAR ALL"), ("update", "CLEAR ALL")), FORM),
        ("POST", "/sparql", form(("update", "CLEAR ALL"), ("query", ALL)), FORM),
        ("POST", "/sparql", form(("update", "CLEAR ALL")), "text/plain"),
        ("POST", "/sparql", form(("update", "CLEAR ALL")), UPDATE),
        ("POST", "/sparql", form(("update", "CLEAR ALL")), None),
        ("POST", "/sparql", "CLEAR ALL", None),
        ("POST", "/sparql", "CLEAR ALL", "text/plain"),
        ("POST", "/sparql", "CLEAR ALL".encode("utf-16"), UPDATE),
        ("POST", "/sparql", b'INSERT DATA { <urn:a> <urn:b> "\xff" }', UPDATE),
        ("POST", "/sparql", b"update=INSERT%20DATA%20%7B%20%3Ca:%FF%3E%20%7D", FORM),
        ("POST", "/sparql", "CLEAR", UPDATE),
        ("POST", "/sparql", ALL, UPDATE),
        ("POST", "/sparql", form(("update", ALL)), FORM),
        # 2.2.3: the dataset is named in the request or in the update
        *[
            ("POST", f"/sparql?{name}=urn:g1", text, UPDATE)
            for name in ("using-graph-uri", "using-named-graph-uri")
            for text in (
                "INSERT { ?s ?p 1 } USING <urn:g1> WHERE { ?s ?p ?o }",
                "INSERT { ?s ?p 1 } USING NAMED <urn:g1> WHERE { GRAPH ?g { ?s ?p ?o } }",
                "WITH <urn:g1> INSERT { ?s ?p 1 } WHERE { ?s ?p ?o }",
                "CLEAR GRAPH <urn:x>; WITH <urn:g1> DELETE { ?s ?p ?o } WHERE { ?s ?p ?o }",
            )
        ],
    ],
)
def test_a_request_that_breaks_the_protocol_is_refused_and_changes_nothing(
    speaker: Speaker, method: str, target: str, body: str | bytes | None, kind: str | None
) -> None:
    reply = speaker.say(method, target, body, {"Content-Type": kind} if kind else {})
    assert 400 <= reply.status < 500
    assert reply.kind == "application/problem+json"
    assert json.loads(reply.body)["status"] == reply.status
    assert values(speaker.query(ALL, JSON)) == ["default"]
    assert values(speaker.query(NAMED, JSON)) == ["urn:g1", "urn:g2"]


@pytest.mark.parametrize("how", ["form", "direct"])
@pytest.mark.parametrize(
    ("text", "dataset", "found"),
    [
        ("INSERT DATA { GRAPH <urn:n> { <urn:s> <urn:p> 'data' } }", (), ["data"]),
        ("INSERT { GRAPH <urn:n> { ?s ?p ?o } } WHERE { ?s ?p ?o }", (), ["default"]),
        (
            "INSERT { GRAPH <urn:n> { ?s ?p ?o } } WHERE { ?s ?p ?o }",
            (("using-graph-uri", "urn:g1"),),
            ["one"],
        ),
        (
            "INSERT { GRAPH <urn:n> { ?s ?p ?o } } WHERE { ?s ?p ?o }",
            (("using-graph-uri", "urn:g1"), ("using-graph-uri", "urn:g2")),
            ["one", "two"],
        ),
        (
            "INSERT { GRAPH <urn:n> { ?s ?p ?o } } WHERE { GRAPH ?g { ?s ?p ?o } }",
            (("using-named-graph-uri", "urn:g2"),),
            ["two"],
        ),
        (
            "INSERT { GRAPH <urn:n> { ?s ?p ?o } } WHERE { GRAPH ?g { ?s ?p ?o } }",
            (("using-named-graph-uri", "urn:g1"), ("using-named-graph-uri", "urn:g2")),
            ["one", "two"],
        ),
        (
            "INSERT { GRAPH <urn:n> { ?s ?p ?o } } WHERE { GRAPH ?g { ?s ?p ?o } }",
            (("using-graph-uri", "urn:g1"),),
            [],
        ),
        (
            "INSERT { GRAPH <urn:n> { ?s ?p ?a, ?b } } "
            "WHERE { ?s ?p ?a GRAPH <urn:g2> { ?s ?p ?b } }",
            (("using-graph-uri", "urn:g1"), ("using-named-graph-uri", "urn:g2")),
            ["one", "two"],
        ),
    ],
)
def test_an_update_reads_the_dataset_of_its_request(
    speaker: Speaker, how: str, text: str, dataset: tuple[tuple[str, str], ...], found: list[str]
) -> None:
    if how == "form":
        whole = form(("update", text), *dataset)
        reply = speaker.say("POST", "/sparql", whole, {"Content-Type": FORM})
    else:
        target = f"/sparql?{form(*dataset)}"
        reply = speaker.say("POST", target, text, {"Content-Type": UPDATE})
    assert 200 <= reply.status < 300
    rows = speaker.query(ALL, JSON, **{"default-graph-uri": "urn:n"})
    assert values(rows) == found
    speaker.update("DROP SILENT GRAPH <urn:n>")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("BASE <http://example.org/a/b> SELECT (STR(<c>) AS ?x) {}", "http://example.org/a/c"),
        ("BASE <http://example.org/a/b> SELECT (STR(IRI('d')) AS ?x) {}", "http://example.org/a/d"),
        ("SELECT (STR(<c>) AS ?x) {}", "https://w3id.org/coprod/c"),
        ("SELECT (STR(<#c>) AS ?x) {}", "https://w3id.org/coprod/#c"),
        ("BASE <http://e.org/> PREFIX : <x#> SELECT (STR(:y) AS ?x) {}", "http://e.org/x#y"),
    ],
)
def test_a_relative_iri_is_resolved_against_a_base(
    speaker: Speaker, query: str, found: str
) -> None:
    assert values(speaker.query(query, JSON)) == [found]


def test_an_update_resolves_relative_iris_too(speaker: Speaker) -> None:
    text = "BASE <http://example.org/> INSERT DATA { GRAPH <n> { <s> <p> 'based' } }"
    assert speaker.update(text).status == 204
    parameters = {"default-graph-uri": "http://example.org/n"}
    assert values(speaker.query("SELECT ?s { ?s ?p ?o }", JSON, **parameters)) == [
        "http://example.org/s"
    ]
    assert speaker.update("DROP GRAPH <http://example.org/n>").status == 204


def test_text_is_decoded_once_however_it_is_sent(speaker: Speaker) -> None:
    query = 'SELECT ("a+b %2B%25 & = ü 語 \\u00e9" AS ?x) {}'
    for how in ("get", "form", "direct"):
        assert values(ask(speaker, how, ("query", query))) == ["a+b %2B%25 & = ü 語 é"]
