"""The SPARQL 1.1 Protocol, line by line."""

import json
from urllib.parse import quote, urlencode

import pytest
from flask.testing import FlaskClient
from pyoxigraph import RdfFormat, parse
from werkzeug.test import TestResponse

from coprod_kg.settings import Settings
from coprod_kg.web import create_app
from tests.memory_store import MemoryStore

ASK = "ASK { ?s ?p ?o }"
SELECT = "SELECT ?o WHERE { <https://w3id.org/coprod/id/initiative/alpha> a ?o }"
CONSTRUCT = "CONSTRUCT WHERE { <https://w3id.org/coprod/id/initiative/alpha> a ?o }"
FORM = "application/x-www-form-urlencoded"
QUERY = "application/sparql-query"


def get(client: FlaskClient, accept: str = "*/*", **parameters: str) -> TestResponse:
    return client.get(f"/sparql?{urlencode(parameters)}", headers={"Accept": accept})


def test_the_three_ways_to_ask_give_the_same_answer(client: FlaskClient) -> None:
    answers = [
        get(client, query=SELECT),
        client.post("/sparql", data=urlencode({"query": SELECT}), content_type=FORM),
        client.post("/sparql", data=SELECT, content_type=QUERY),
        client.post("/sparql", data=SELECT, content_type=f"{QUERY}; charset=UTF-8"),
    ]
    assert [one.status_code for one in answers] == [200] * 4
    assert len({one.data for one in answers}) == 1
    assert answers[0].content_type == "application/sparql-results+json"


@pytest.mark.parametrize(
    ("address", "body", "content_type", "status"),
    [
        (f"/sparql?query={quote(ASK)}&query={quote(ASK)}", None, None, 400),
        ("/sparql", urlencode([("query", ASK), ("query", ASK)]), FORM, 400),
        (f"/sparql?query={quote(ASK)}", urlencode({"query": ASK}), FORM, 400),
        (f"/sparql?query={quote(ASK)}", ASK, QUERY, 400),
        ("/sparql", "", FORM, 400),
        ("/sparql", urlencode({"query": ""}), FORM, 400),
        ("/sparql", "", QUERY, 400),
        ("/sparql", urlencode({"query": ASK}), "text/plain", 415),
        ("/sparql", urlencode({"query": ASK}), "", 415),
        ("/sparql", urlencode({"query": ASK}), QUERY, 400),
        ("/sparql", ASK.encode("utf-16"), f"{QUERY}; charset=utf-16", 415),
        ("/sparql", b'SELECT * { ?s ?p "\xe9" }', QUERY, 400),
        ("/sparql", b"query=ASK%20%7B%20%3Fs%20%3Fp%20%22%E9%22%20%7D", FORM, 400),
        ("/sparql?query=%E9", None, None, 400),
        ("/sparql?query=SELECT", None, None, 400),
        (f"/sparql?update={quote('CLEAR ALL')}", None, None, 400),
        ("/sparql", urlencode({"update": "CLEAR ALL"}), FORM, 401),
        ("/sparql", "CLEAR ALL", "application/sparql-update", 401),
        ("/sparql", urlencode({"update": "CLEAR ALL", "query": ASK}), FORM, 400),
        ("/sparql", urlencode({"query": "CLEAR ALL"}), FORM, 400),
        (f"/sparql?query={quote(ASK)}&default-graph-uri=%3Cx%3E", None, None, 400),
        (f"/sparql?query={quote(ASK)}&named-graph-uri=relative", None, None, 400),
        (f"/sparql?query={quote(ASK)}&timeout=soon", None, None, 400),
        (f"/sparql?query={quote(ASK)}&timeout=-1", None, None, 400),
        (f"/sparql?query={quote(ASK)}&timeout=nan", None, None, 400),
        (f"/sparql?query={quote(ASK)}&version=x", None, None, 400),
        (f"/sparql?query={quote(ASK)}&version=1", None, None, 410),
        (f"/sparql?query={quote(ASK)}&version=999", None, None, 404),
        (f"/sparql?query={quote(ASK)}&format=parquet", None, None, 400),
        (
            f"/sparql?query={quote('SELECT * { SERVICE <http://127.0.0.1:1/> {} }')}",
            None,
            None,
            403,
        ),
    ],
)
def test_a_request_that_breaks_the_protocol_is_refused(
    client: FlaskClient,
    address: str,
    body: str | bytes | None,
    content_type: str | None,
    status: int,
) -> None:
    if body is None:
        response = client.get(address)
    else:
        response = client.post(address, data=body, content_type=content_type)
    assert response.status_code == status, response.text
    assert response.content_type == "application/problem+json"
    assert response.json is not None
    assert response.json["status"] == status
    assert response.json["detail"]
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_another_method_is_refused_with_those_that_fit(client: FlaskClient, method: str) -> None:
    response = client.open(f"/sparql?query={quote(ASK)}", method=method)
    assert response.status_code == 405
    allowed = {one.strip() for one in response.headers["Allow"].split(",")}
    assert allowed == {"GET", "HEAD", "OPTIONS", "POST"}
    assert response.content_type == "application/problem+json"


def test_a_percent_sign_is_decoded_once(client: FlaskClient) -> None:
    query = 'SELECT ("%25 %2B +" AS ?x) {}'
    for response in (
        get(client, query=query),
        client.post("/sparql", data=urlencode({"query": query}), content_type=FORM),
        client.post("/sparql", data=query, content_type=QUERY),
    ):
        assert response.json is not None
        assert response.json["results"]["bindings"][0]["x"]["value"] == "%25 %2B +"


def test_text_outside_ascii_comes_back_as_it_went(client: FlaskClient) -> None:
    response = get(client, query='SELECT ("Åsa 語 😀" AS ?x) {}')
    assert response.json is not None
    assert response.json["results"]["bindings"][0]["x"]["value"] == "Åsa 語 😀"


@pytest.mark.parametrize(
    ("query", "accept", "content_type"),
    [
        (SELECT, "application/json", "application/json"),
        (SELECT, "application/sparql-results+xml", "application/sparql-results+xml"),
        (SELECT, "text/csv", "text/csv; charset=utf-8"),
        (SELECT, "text/tab-separated-values", "text/tab-separated-values; charset=utf-8"),
        (SELECT, "text/turtle, text/csv;q=0.1", "text/csv; charset=utf-8"),
        (CONSTRUCT, "*/*", "text/turtle; charset=utf-8"),
        (CONSTRUCT, "application/ld+json", "application/ld+json"),
        (CONSTRUCT, "application/n-triples", "application/n-triples"),
        (CONSTRUCT, "application/rdf+xml", "application/rdf+xml"),
        (CONSTRUCT, "text/csv, application/rdf+xml;q=0.1", "application/rdf+xml"),
        (
            CONSTRUCT.replace("CONSTRUCT WHERE {", "DESCRIBE ?o {"),
            "text/turtle",
            "text/turtle; charset=utf-8",
        ),
    ],
)
def test_the_answer_is_in_the_format_accepted(
    client: FlaskClient, query: str, accept: str, content_type: str
) -> None:
    response = get(client, accept, query=query)
    assert response.status_code == 200
    assert response.content_type == content_type
    assert "Accept" in response.headers["Vary"]
    assert response.data


@pytest.mark.parametrize(
    ("query", "accept"), [(SELECT, "text/turtle"), (CONSTRUCT, "text/csv"), (ASK, "image/png")]
)
def test_what_cannot_be_written_as_accepted_is_not_acceptable(
    client: FlaskClient, query: str, accept: str
) -> None:
    assert get(client, accept, query=query).status_code == 406


def test_a_format_by_name_wins_over_the_accept_header(client: FlaskClient) -> None:
    response = get(client, "text/html", query=SELECT, format="csv")
    assert response.content_type == "text/csv; charset=utf-8"
    response = get(client, "text/html", query=CONSTRUCT, format="json")
    assert response.content_type == "application/ld+json"


def test_a_format_is_only_a_hint_beside_an_accept_header(client: FlaskClient) -> None:
    several = f"/sparql?query={quote(SELECT)}&format=other&format=csv&format=xml"
    assert client.get(several).content_type == "text/csv; charset=utf-8"
    other = f"/sparql?query={quote(SELECT)}&format=other"
    assert client.get(other).status_code == 400
    response = client.get(other, headers={"Accept": "text/csv"})
    assert response.content_type == "text/csv; charset=utf-8"


def test_csv_has_crlf_and_a_header_even_when_empty(client: FlaskClient) -> None:
    response = get(client, "text/csv", query="SELECT ?a ?b { ?a <urn:none> ?b }")
    assert response.data == b"a,b\r\n"


def test_the_protocols_graphs_override_those_of_the_query(client: FlaskClient) -> None:
    graph = "https://w3id.org/coprod/graph/organisation/tiny"
    query = f"ASK FROM <{graph}> {{ <https://w3id.org/coprod/id/initiative/alpha> ?p ?o }}"
    there = get(client, query=query)
    elsewhere = get(client, query=query, **{"default-graph-uri": "urn:elsewhere"})
    assert there.json is not None
    assert elsewhere.json is not None
    assert [there.json["boolean"], elsewhere.json["boolean"]] == [True, False]


def test_several_graphs_can_be_given() -> None:
    store = MemoryStore()
    client = create_app(store, Settings()).test_client()
    tail = "&default-graph-uri=urn:a&default-graph-uri=urn:b&named-graph-uri=urn:c"
    assert client.get(f"/sparql?query={quote(ASK)}{tail}").status_code == 200
    assert store.asked[-1].default_graphs == ("urn:a", "urn:b")
    assert store.asked[-1].named_graphs == ("urn:c",)


def test_a_client_may_ask_for_less_time_and_never_for_more() -> None:
    store = MemoryStore()
    client = create_app(store, Settings(query_seconds=30)).test_client()
    for given in ("5", "0.5", "1000"):
        client.get(f"/sparql?query={quote(f'{ASK} # {given}')}&timeout={given}")
    assert [query.seconds for query in store.asked] == [5.0, 0.5, 30.0]


def test_a_strict_default_graph_is_a_setting() -> None:
    store = MemoryStore()
    client = create_app(store, Settings(default_graph="strict")).test_client()
    client.get(f"/sparql?query={quote(ASK)}")
    assert not store.asked[-1].union


def test_head_is_get_without_the_body(client: FlaskClient) -> None:
    address = f"/sparql?query={quote(SELECT)}"
    got, head = client.get(address), client.head(address)
    assert head.status_code == 200
    assert head.data == b""
    assert dict(head.headers) == dict(got.headers)
    assert client.head("/sparql?query=SELEC").status_code == 400


def test_a_browser_in_another_origin_may_ask(client: FlaskClient) -> None:
    response = client.options(
        "/sparql",
        headers={
            "Origin": "https://example.org",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        },
    )
    assert response.status_code == 200
    headers = response.headers
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert {"GET", "HEAD", "POST"} <= set(headers["Access-Control-Allow-Methods"].split(", "))
    for name in ("Content-Type", "Accept", "Authorization"):
        assert name in headers["Access-Control-Allow-Headers"]
    for name in ("Link", "ETag", "Content-Location", "Retry-After", "Dataset-Version"):
        assert name in headers["Access-Control-Expose-Headers"]


def test_without_a_query_the_service_describes_itself(client: FlaskClient) -> None:
    for accept, form in (
        ("*/*", RdfFormat.TURTLE),
        ("application/rdf+xml", RdfFormat.RDF_XML),
        ("application/n-triples", RdfFormat.N_TRIPLES),
        ("application/ld+json", RdfFormat.JSON_LD),
    ):
        response = client.get("/sparql", headers={"Accept": accept})
        assert response.status_code == 200
        assert response.mimetype == form.media_type
        triples = {quad.triple for quad in parse(response.data, format=form)}
        said = {(one.predicate.value.rpartition("#")[2], str(one.object)) for one in triples}
        service = "http://www.w3.org/ns/sparql-service-description#"
        assert ("endpoint", "<http://localhost/sparql>") in said
        assert ("supportedLanguage", f"<{service}SPARQL11Query>") in said
        assert ("feature", f"<{service}UnionDefaultGraph>") in said
        assert ("name", "<https://w3id.org/coprod/graph/organisation/tiny>") in said
        assert "BasicFederatedQuery" not in response.text


def test_without_a_query_results_cannot_be_had(client: FlaskClient) -> None:
    response = client.get("/sparql", headers={"Accept": "application/sparql-results+json"})
    assert response.status_code == 406
    assert "no query" in json.loads(response.data)["detail"]


def test_a_body_over_the_limit_is_refused_before_it_is_read() -> None:
    client = create_app(MemoryStore(), Settings(body_mb=1)).test_client()
    response = client.post("/sparql", data=b"x" * (1024**2 + 1), content_type=QUERY)
    assert response.status_code == 413
    assert response.json is not None
    assert "1 MiB" in response.json["detail"]
