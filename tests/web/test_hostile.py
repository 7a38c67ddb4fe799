"""Whatever a client sends, the fault is never the service's."""

import re
from urllib.parse import quote_plus

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SETTINGS = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
NAMES = st.sampled_from(
    [
        "query",
        "update",
        "format",
        "version",
        "timeout",
        "default-graph-uri",
        "named-graph-uri",
        "stage",
        "limit",
        "offset",
        "q",
        "tag",
        "x",
    ]
)
VALUES = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["ASK {}", "SELECT * {}", "1e999", "-0", "inf", "json", "html", "urn:x", "٣"]),
    st.sampled_from(["project", "http://a b", "id/initiative/alpha", "<", "\ud7ff", "\U000fffff"]),
)
QUERIES = st.one_of(
    # No line end: it would end the request line, so no server can hand one over.
    st.binary(max_size=60).map(lambda raw: re.sub("[\r\n]", "", raw.decode("latin-1"))),
    st.lists(st.tuples(NAMES, VALUES), max_size=6).map(
        lambda pairs: "&".join(f"{name}={quote_plus(value)}" for name, value in pairs)
    ),
)
PATHS = st.one_of(
    st.sampled_from(["/sparql", "/queries", "/queries/initiatives-at-stage", "/", "/docs"]),
    st.sampled_from(["/queries/initiative-history.csv", "/id/initiative/alpha", "/readyz"]),
    st.tuples(
        st.sampled_from(["/id/", "/page/", "/doc/", "/vocab/", "/queries/", "/page/vocab/"]),
        st.text(max_size=12),
        st.text(max_size=12),
    ).map(lambda parts: f"{parts[0]}{quote_plus(parts[1])}/{quote_plus(parts[2])}"),
)
ACCEPTS = st.sampled_from(["*/*", "text/html", "text/plain", "text/turtle", "text/csv;q=x", ""])
HEADERS = (
    "Accept",
    "Accept-Encoding",
    "Authorization",
    "Content-Encoding",
    "Content-Length",
    "Content-Type",
    "Cookie",
    "If-None-Match",
    "Origin",
    "Range",
    "X-Forwarded-Host",
)
METHODS = st.sampled_from(["GET", "HEAD", "OPTIONS", "POST", "PUT"])


@SETTINGS
@given(path=PATHS, query=QUERIES, accept=ACCEPTS, method=METHODS)
def test_no_address_is_a_fault_of_the_service(
    client: FlaskClient, path: str, query: str, accept: str, method: str
) -> None:
    with client.open(
        path, query_string=query, method=method, headers={"Accept": accept}
    ) as response:
        assert response.status_code < 500
        assert response.headers["Access-Control-Allow-Origin"] == "*"


@SETTINGS
@given(
    name=st.sampled_from(HEADERS),
    value=st.one_of(
        st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40),
        st.sampled_from(
            ["*", "W/", '"', "bytes=9-1", "-1", "1e9", "Bearer ", "text/html;q=٣", "," * 99]
        ),
    ),
    method=METHODS,
)
def test_no_header_is_a_fault_of_the_service(
    client: FlaskClient, name: str, value: str, method: str
) -> None:
    for path in ("/sparql?query=ASK{}", "/queries/initiatives-at-stage?limit=1", "/openapi.json"):
        environ = {name.upper().replace("-", "_"): value}
        if not name.startswith("Content-"):
            environ = {f"HTTP_{key}": text for key, text in environ.items()}
        with client.open(path, method=method, environ_overrides=environ) as response:
            assert response.status_code < 500


@SETTINGS
@given(
    body=st.one_of(st.binary(max_size=80), QUERIES.map(lambda text: text.encode())),
    content_type=st.sampled_from(
        [
            "application/x-www-form-urlencoded",
            "application/sparql-query",
            "application/sparql-query; charset=latin1",
            "multipart/form-data; boundary=x",
            ";;",
            "",
        ]
    ),
)
def test_no_body_is_a_fault_of_the_service(
    client: FlaskClient, body: bytes, content_type: str
) -> None:
    response = client.post("/sparql", data=body, content_type=content_type)
    assert response.status_code < 500


@pytest.mark.parametrize("graph", ["http://[x", "urn:\x85", "http://a:b/", "urn:\ufffe", "a:%"])
def test_no_graph_is_a_fault_of_the_service(client: FlaskClient, graph: str) -> None:
    for name in ("default-graph-uri", "named-graph-uri"):
        response = client.get("/sparql", query_string={"query": "ASK {}", name: graph})
        assert response.status_code < 500, response.text


@pytest.mark.parametrize("host", ["<x>", 'a"b', "a b", "x:y:z", "[::1", "é", "a\\b", ""])
@pytest.mark.parametrize("path", ["/sparql", "/queries", "/id/initiative/alpha", "/"])
def test_no_host_is_a_fault_of_the_service(client: FlaskClient, path: str, host: str) -> None:
    response = client.get(path, environ_overrides={"HTTP_HOST": host})
    assert response.status_code < 500
