"""The SPARQL 1.1 Graph Store HTTP Protocol over a real socket, section by section.

Each graph is checked by reading it back as N-Triples, and by a query.
"""

from collections.abc import Iterator
from urllib.parse import quote, urlsplit

import pytest
import rdflib
from rdflib.compare import isomorphic

from tests.web.service import running
from tests.web.speaking import STRICT, TURTLE, Speaker

NT = "application/n-triples"
ONE = '<urn:s> <urn:p> "one" .'
TWO = '<urn:s> <urn:p> "two" .'


@pytest.fixture(scope="module")
def running_speaker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Speaker]:
    with running(tmp_path_factory.mktemp("graphs") / "data", STRICT, things=1) as service:
        yield Speaker(service)


@pytest.fixture
def speaker(running_speaker: Speaker) -> Speaker:
    running_speaker.reset()
    return running_speaker


def graph(iri: str) -> str:
    return f"/data?graph={quote(iri, safe='')}"


def put(speaker: Speaker, target: str, body: str | bytes, kind: str = TURTLE) -> int:
    return speaker.say("PUT", target, body, {"Content-Type": kind}).status


def post(speaker: Speaker, target: str, body: str | bytes, kind: str = TURTLE) -> int:
    return speaker.say("POST", target, body, {"Content-Type": kind}).status


def lines(speaker: Speaker, target: str) -> list[str]:
    reply = speaker.say("GET", target, headers={"Accept": NT})
    assert (reply.status, reply.kind) == (200, NT)
    return sorted(reply.body.decode().splitlines())


TARGETS = [graph("urn:g"), "/data?default", "/data/direct/g.ttl", "/data?default="]


@pytest.mark.parametrize("target", TARGETS)
def test_a_graph_is_replaced_added_to_read_and_removed(speaker: Speaker, target: str) -> None:
    first = put(speaker, target, ONE)
    assert first == (204 if "default" in target else 201)
    assert lines(speaker, target) == [ONE]
    assert put(speaker, target, TWO) == 204
    assert lines(speaker, target) == [TWO]
    assert post(speaker, target, ONE) == 204
    assert lines(speaker, target) == [ONE, TWO]
    assert post(speaker, target, ONE) == 204
    assert lines(speaker, target) == [ONE, TWO]
    assert speaker.say("DELETE", target).status == 204
    gone = speaker.say("GET", target, headers={"Accept": NT})
    assert (gone.status, gone.body) == (200, b"") if "default" in target else gone.status == 404


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
@pytest.mark.parametrize("target", [graph("urn:missing"), "/data/missing"])
def test_a_graph_that_is_not_there_is_not_found(speaker: Speaker, method: str, target: str) -> None:
    assert speaker.say(method, target).status == 404


@pytest.mark.parametrize("target", TARGETS)
def test_head_says_what_get_would_say(speaker: Speaker, target: str) -> None:
    put(speaker, target, ONE)
    for accept in (TURTLE, NT, "application/rdf+xml", "application/ld+json"):
        got = speaker.say("GET", target, headers={"Accept": accept})
        head = speaker.say("HEAD", target, headers={"Accept": accept})
        assert (got.status, got.kind) == (head.status, head.kind) == (200, accept)
        assert head.body == b""
        assert head.headers["Content-Length"] == got.headers["Content-Length"]
        assert head.headers["ETag"] == got.headers["ETag"]


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_writing_a_graph_that_is_not_there_creates_it(speaker: Speaker, method: str) -> None:
    target = graph("urn:new")
    reply = speaker.say(method, target, ONE, {"Content-Type": TURTLE})
    assert reply.status == 201
    assert lines(speaker, target) == [ONE]


@pytest.mark.parametrize("target", [graph("urn:empty"), "/data/empty"])
def test_an_empty_graph_can_be_made_and_is_there(speaker: Speaker, target: str) -> None:
    assert put(speaker, target, "") == 201
    assert lines(speaker, target) == []
    assert put(speaker, target, "") == 204
    assert speaker.say("HEAD", target).status == 200


def test_a_graph_can_be_emptied_and_stays(speaker: Speaker) -> None:
    assert put(speaker, graph("urn:g"), ONE) == 201
    assert put(speaker, graph("urn:g"), "") == 204
    assert lines(speaker, graph("urn:g")) == []


def test_posting_nothing_leaves_a_graph_as_it_is(speaker: Speaker) -> None:
    put(speaker, graph("urn:g"), ONE)
    assert post(speaker, graph("urn:g"), "") == 204
    assert lines(speaker, graph("urn:g")) == [ONE]


def test_posting_to_the_store_creates_a_graph_and_tells_where(speaker: Speaker) -> None:
    reply = speaker.say("POST", "/data", '<> <urn:p> "self" .', {"Content-Type": TURTLE})
    assert reply.status == 201
    location = reply.headers["Location"]
    assert urlsplit(location).netloc == f"127.0.0.1:{speaker.service.port}"
    said = [f'<{location}> <urn:p> "self" .']
    assert lines(speaker, urlsplit(location).path) == said
    assert lines(speaker, graph(location)) == said
    other = speaker.say("POST", "/data", ONE, {"Content-Type": TURTLE})
    assert other.headers["Location"] != location


@pytest.mark.parametrize(
    "iri",
    [
        "http://example.org/a b".replace(" ", "%20"),
        "http://example.org/a%2Fb",
        "http://example.org/ü/語",
        "http://example.org/?a=b&c=d+e",
        "http://example.org/#fragment",
        "http://example.org/100%25",
        "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
    ],
)
def test_the_name_of_a_graph_is_decoded_once_and_not_twice(speaker: Speaker, iri: str) -> None:
    assert put(speaker, graph(iri), ONE) == 201
    reply = speaker.query("SELECT ?g { GRAPH ?g { ?s ?p ?o } }", "text/tab-separated-values")
    assert reply.body.decode() == f"?g\n<{iri}>\n"
    assert lines(speaker, graph(iri)) == [ONE]
    assert speaker.say("GET", graph(iri.replace("%", "%25") + "x")).status == 404


def test_a_relative_iri_is_resolved_against_the_name_of_the_graph(speaker: Speaker) -> None:
    put(speaker, graph("http://example.org/doc/g"), "<> <p> <../o#x> .")
    base = "http://example.org"
    assert lines(speaker, graph("http://example.org/doc/g")) == [
        f"<{base}/doc/g> <{base}/doc/p> <{base}/o#x> ."
    ]


SAME = {
    TURTLE: '@prefix : <urn:> . :s :p "x"@en, [ :q 1 ] .',
    NT: '<urn:s> <urn:p> "x"@en . <urn:s> <urn:p> _:b . '
    '_:b <urn:q> "1"^^<http://www.w3.org/2001/XMLSchema#integer> .'.replace(" . ", " .\n"),
    "application/rdf+xml": '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
    'xmlns="urn:"><rdf:Description rdf:about="urn:s"><p xml:lang="en">x</p>'
    '<p><rdf:Description><q rdf:datatype="http://www.w3.org/2001/XMLSchema#integer">1</q>'
    "</rdf:Description></p></rdf:Description></rdf:RDF>",
    "application/ld+json": '{"@id": "urn:s", "urn:p": [{"@value": "x", "@language": "en"}, '
    '{"urn:q": 1}]}',
}


@pytest.mark.parametrize("kind", SAME)
def test_a_graph_is_read_in_every_format(speaker: Speaker, kind: str) -> None:
    assert put(speaker, graph("urn:g"), SAME[kind], kind) == 201
    got = speaker.say("GET", graph("urn:g"), headers={"Accept": TURTLE})
    found = rdflib.Graph().parse(data=got.body, format="turtle")
    assert isomorphic(found, rdflib.Graph().parse(data=SAME[TURTLE], format="turtle"))


def multipart(*parts: tuple[str, str, str]) -> str:
    """A form of files: name, type, content."""
    pieces = [
        f'--edge\r\nContent-Disposition: form-data; name="f"; filename="{name}"\r\n'
        + (f"Content-Type: {kind}\r\n" if kind else "")
        + f"\r\n{content}\r\n"
        for name, kind, content in parts
    ]
    return "".join([*pieces, "--edge--\r\n"])


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_form_with_several_files_is_their_union(speaker: Speaker, method: str) -> None:
    body = multipart(
        ("a.ttl", TURTLE, '<urn:a> <urn:p> "a" .'),
        ("b.nt", NT, '<urn:b> <urn:p> "b" .'),
        ("c.ttl", "", '<urn:c> <urn:p> "c" .'),
    )
    headers = {"Content-Type": "multipart/form-data; boundary=edge"}
    assert speaker.say(method, graph("urn:g"), body, headers).status == 201
    assert lines(speaker, graph("urn:g")) == [
        f'<urn:{one}> <urn:p> "{one}" .' for one in ("a", "b", "c")
    ]


@pytest.mark.parametrize(
    ("method", "target", "body", "kind", "status"),
    [
        ("PATCH", graph("urn:g"), "", TURTLE, 405),
        ("PUT", "/data", ONE, TURTLE, 400),
        ("DELETE", "/data", None, None, 400),
        ("GET", "/data", None, None, 400),
        ("PUT", "/data?default&graph=urn:g", ONE, TURTLE, 400),
        ("PUT", "/data?graph=urn:a&graph=urn:b", ONE, TURTLE, 400),
        ("PUT", "/data?graph=relative", ONE, TURTLE, 400),
        ("PUT", "/data?graph=", ONE, TURTLE, 400),
        ("PUT", graph("urn:g"), ONE, "text/plain", 415),
        ("PUT", graph("urn:g"), ONE, "application/json", 415),
        ("PUT", graph("urn:g"), ONE, None, 415),
        ("PUT", graph("urn:g"), "<urn:s> <urn:p>", TURTLE, 400),
        ("PUT", graph("urn:g"), "<urn:s> <urn:p> <urn:o .", NT, 400),
        ("PUT", graph("urn:g"), "<rdf:RDF>", "application/rdf+xml", 400),
        ("PUT", graph("urn:g"), b"<urn:s> <urn:p> '\xff' .", TURTLE, 400),
        ("PUT", graph("urn:g"), ONE, "application/n-quads", 415),
    ],
)
def test_a_request_that_cannot_be_right_is_refused(
    speaker: Speaker,
    method: str,
    target: str,
    body: str | bytes | None,
    kind: str | None,
    status: int,
) -> None:
    reply = speaker.say(method, target, body, {"Content-Type": kind} if kind else {})
    assert (reply.status, reply.kind) == (status, "application/problem+json")
    if status == 405:
        assert {"GET", "HEAD", "PUT", "POST", "DELETE"} <= set(reply.headers["Allow"].split(", "))
    assert speaker.say("GET", graph("urn:g")).status == 404


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", TURTLE),
        ("text/*", TURTLE),
        ("application/rdf+xml;q=0.5, text/turtle;q=0.4", "application/rdf+xml"),
        ("text/turtle;q=0, application/ld+json;q=0, */*", NT),
        ("text/html, application/xhtml+xml, */*;q=0.1", TURTLE),
    ],
)
def test_a_graph_comes_in_the_format_the_client_prefers(
    speaker: Speaker, accept: str, kind: str
) -> None:
    put(speaker, graph("urn:g"), ONE)
    reply = speaker.say("GET", graph("urn:g"), headers={"Accept": accept})
    assert (reply.status, reply.kind) == (200, kind)
    assert "Accept" in reply.headers["Vary"]
    refused = speaker.say("GET", graph("urn:g"), headers={"Accept": "image/png"})
    assert refused.status == 406


@pytest.mark.parametrize(
    "text",
    [
        "DROP ALL",
        "CLEAR ALL",
        "DROP DEFAULT; DROP NAMED",
        "CLEAR DEFAULT; CLEAR NAMED",
        "DELETE WHERE { ?s ?p ?o }; DELETE WHERE { GRAPH ?g { ?s ?p ?o } }",
    ],
)
def test_the_whole_store_can_be_emptied_by_protocol(speaker: Speaker, text: str) -> None:
    put(speaker, "/data?default", ONE)
    put(speaker, graph("urn:g"), TWO)
    assert speaker.update(text).status == 204
    for pattern in ("{ ?s ?p ?o }", "{ GRAPH ?g { ?s ?p ?o } }"):
        assert speaker.query(f"ASK {pattern}", "text/csv").body.strip() == b"false"


@pytest.mark.parametrize(
    ("text", "status"),
    [("DROP GRAPH <urn:g>", 404), ("CLEAR GRAPH <urn:g>", 200), ("CLEAR NAMED", 200)],
)
def test_a_graph_that_is_cleared_stays_and_one_that_is_dropped_goes(
    speaker: Speaker, text: str, status: int
) -> None:
    put(speaker, graph("urn:g"), TWO)
    assert speaker.update(text).status == 204
    assert speaker.say("GET", graph("urn:g")).status == status


def test_the_records_of_the_service_are_apart_from_the_data_and_can_be_named(
    speaker: Speaker,
) -> None:
    base = "https://w3id.org/coprod/graph/provenance"
    for text, found in (
        ("SELECT DISTINCT ?g { GRAPH ?g { ?s ?p ?o } }", ""),
        (f"SELECT DISTINCT ?g FROM NAMED <{base}> {{ GRAPH ?g {{ ?s ?p ?o }} }}", f"<{base}>\n"),
        (
            f"SELECT DISTINCT ?g {{ GRAPH ?g {{ ?s ?p ?o }} }} ORDER BY ?g #{base}",
            f"<{base.replace('provenance', 'catalogue')}>\n<{base}>\n",
        ),
    ):
        reply = speaker.query(text, "text/tab-separated-values")
        assert reply.body.decode() == f"?g\n{found}"
    assert (
        speaker.update("INSERT { <urn:s> <urn:sees> ?g } WHERE { GRAPH ?g { ?s ?p ?o } }").status
        == 204
    )
    assert lines(speaker, "/data?default") == []


def test_the_default_graph_is_emptied_by_protocol(speaker: Speaker) -> None:
    put(speaker, "/data?default", ONE)
    put(speaker, graph("urn:g"), TWO)
    assert speaker.say("DELETE", "/data?default").status == 204
    assert speaker.query("ASK { ?s ?p ?o }", "text/csv").body.strip() == b"false"
    assert lines(speaker, graph("urn:g")) == [TWO]
