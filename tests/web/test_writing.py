"""Updates and graphs written over HTTP, as the SPARQL 1.1 Protocol and Graph Store Protocol say."""

import http.client
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from urllib.parse import quote, urlencode

import pytest
import rdflib
from rdflib.plugins.stores.sparqlstore import SPARQLUpdateStore
from SPARQLWrapper import POST, SPARQLWrapper

from coprod_kg.settings import Settings
from coprod_kg.store.base import Change
from tests.web.service import Running, running

FORM = "application/x-www-form-urlencoded"
UPDATE = "application/sparql-update"
TURTLE = "text/turtle"
BASE = "https://w3id.org/coprod/"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    settings = Settings(web_workers=1, workers=2)
    with running(tmp_path_factory.mktemp("writing") / "data", settings, things=3) as found:
        yield found


class Reply:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()


Send = Callable[..., Reply]


@pytest.fixture
def send(service: Running) -> Send:
    def request(
        method: str,
        target: str,
        body: str | None = None,
        kind: str = TURTLE,
        token: str = "",
        **named: str,
    ) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
        headers = {name.replace("_", "-"): value for name, value in named.items()}
        headers |= {"Content-Type": kind} if body is not None else {}
        if token != "-":
            headers["Authorization"] = f"Bearer {token or service.curator}"
        connection.request(method, target, body, headers)
        reply = Reply(connection.getresponse())
        connection.close()
        return reply

    return request


def graph(iri: str) -> str:
    return f"/data?graph={quote(iri, safe='')}"


def holds(send: Send, pattern: str) -> bool:
    reply = send("GET", f"/sparql?query={quote(f'ASK {{ {pattern} }}')}", token="-")
    found: bool = json.loads(reply.body)["boolean"]
    return found


@pytest.mark.parametrize("how", ["form", "body"])
def test_an_update_is_made_and_visible_at_once(send: Send, how: str) -> None:
    text = f"INSERT DATA {{ GRAPH <urn:g> {{ <urn:a> <urn:p> '{how}' }} }}"
    body, kind = (urlencode({"update": text}), FORM) if how == "form" else (text, UPDATE)
    reply = send("POST", "/sparql", body, kind)
    assert (reply.status, reply.body) == (204, b"")
    assert int(reply.headers["Dataset-Version"]) > 1
    assert holds(send, f"GRAPH <urn:g> {{ <urn:a> <urn:p> '{how}' }}")


def test_an_update_takes_a_curators_token(send: Send, service: Running) -> None:
    for token, status in (("-", 401), ("coprod_x_y", 401), (service.contributor, 403)):
        reply = send("POST", "/sparql", "CLEAR ALL", UPDATE, token)
        assert reply.status == status
        assert ("WWW-Authenticate" in reply.headers) == (status == 401)
    assert holds(send, "<urn:thing:1> <urn:p> ?x")


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("LOAD <file:///etc/passwd>", 403),
        ("INSERT { ?x ?x 1 } WHERE { SERVICE <http://127.0.0.1:1/> { ?x ?y ?z } }", 403),
        ("INSERT DATA { <urn:a> <urn:b>", 400),
        ("SELECT * { ?s ?p ?o }", 400),
        ("LOAD SILENT <http://127.0.0.1:1/> INTO GRAPH <urn:g>", 204),
        ("\ufeffINSERT DATA { }", 204),
    ],
)
def test_an_update_that_may_not_or_cannot_run_is_refused(
    send: Send, text: str, status: int
) -> None:
    assert send("POST", "/sparql", text.encode(), UPDATE).status == status


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (urlencode([("update", "CLEAR ALL"), ("update", "CLEAR ALL")]), FORM),
        (urlencode([("update", "CLEAR ALL"), ("query", "ASK {}")]), FORM),
    ],
)
def test_a_request_carries_one_update(send: Send, body: str, kind: str) -> None:
    assert send("POST", "/sparql", body, kind).status == 400
    assert send("GET", "/sparql?update=CLEAR%20ALL").status == 400


def test_the_dataset_of_an_update_is_that_of_the_request(send: Send) -> None:
    data = (
        "INSERT DATA { GRAPH <urn:u1> { <urn:s> <urn:q> 1 } GRAPH <urn:u2> { <urn:s> <urn:q> 2 } }"
    )
    assert send("POST", "/sparql", data, UPDATE).status == 204
    text = "INSERT { GRAPH <urn:copy> { ?s <urn:q> ?o } } WHERE { ?s <urn:q> ?o }"
    assert send("POST", "/sparql?using-graph-uri=urn:u1", text, UPDATE).status == 204
    assert holds(send, "GRAPH <urn:copy> { <urn:s> <urn:q> 1 }")
    assert not holds(send, "GRAPH <urn:copy> { <urn:s> <urn:q> 2 }")
    named = "INSERT { GRAPH <urn:copy> { ?s <urn:n> ?o } } WHERE { GRAPH ?g { ?s <urn:q> ?o } }"
    assert send("POST", "/sparql?using-named-graph-uri=urn:u2", named, UPDATE).status == 204
    assert holds(send, "GRAPH <urn:copy> { <urn:s> <urn:n> 2 }")
    assert not holds(send, "GRAPH <urn:copy> { <urn:s> <urn:n> 1 }")


@pytest.mark.parametrize(
    "text",
    [
        "WITH <urn:g> DELETE { ?s ?p ?o } WHERE { ?s ?p ?o }",
        "INSERT { ?s ?p 1 } USING <urn:g> WHERE { ?s ?p ?o }",
    ],
)
def test_a_dataset_in_the_update_and_in_the_request_is_refused(send: Send, text: str) -> None:
    assert send("POST", "/sparql?using-graph-uri=urn:g", text, UPDATE).status == 400


def test_an_update_is_recorded_and_no_update_takes_the_record_away(send: Send) -> None:
    text = "INSERT DATA { GRAPH <urn:recorded> { <urn:a> <urn:b> 'recorded' } }"
    assert send("POST", "/sparql", text, UPDATE).status == 204
    drop = f"DROP GRAPH <{BASE}graph/provenance>"
    assert send("POST", "/sparql", drop, UPDATE).status == 204
    digest = sha256(text.encode()).hexdigest()
    prov, dcterms = "http://www.w3.org/ns/prov#", "http://purl.org/dc/terms/"
    assert holds(
        send,
        f"GRAPH <{BASE}graph/provenance> {{ ?version <{prov}wasGeneratedBy> ?activity . "
        f"?activity <{prov}wasAssociatedWith> <{BASE}id/agent/curator> ; <{prov}used> ?sent . "
        f"?sent <{dcterms}identifier> 'sha256:{digest}' }}",
    )


def test_a_graph_is_put_read_and_removed(send: Send) -> None:
    target = graph("urn:put")
    for method in ("GET", "HEAD", "DELETE"):
        assert send(method, target).status == 404
    assert send("PUT", target, "<a> <urn:p> 1 .").status == 201
    assert send("PUT", target, "<a> <urn:p> 2 .").status == 204
    read = send("GET", f"{target}&format=nt", token="-")
    assert read.body == (
        b'<a> <urn:p> "2"^^<http://www.w3.org/2001/XMLSchema#integer> .\n'
        if read.body.startswith(b"<a>")
        else b'<urn:a> <urn:p> "2"^^<http://www.w3.org/2001/XMLSchema#integer> .\n'
    )
    head = send("HEAD", target, token="-")
    assert (head.status, head.body) == (200, b"")
    assert send("DELETE", target).status == 204
    assert send("GET", target).status == 404


def test_posting_adds_to_a_graph_and_keeps_blank_nodes_apart(send: Send) -> None:
    target = graph("urn:post")
    assert send("POST", target, "_:x <urn:p> 1 .").status == 201
    assert send("POST", target, "_:x <urn:p> 2 .").status == 204
    found = rdflib.Graph().parse(data=send("GET", f"{target}&format=ttl").body)
    assert len(found) == 2
    assert len(set(found.subjects())) == 2


def test_posting_to_the_store_makes_a_graph_and_says_where(send: Send) -> None:
    reply = send("POST", "/data", "<> <urn:p> 1 .")
    assert reply.status == 201
    location = reply.headers["Location"]
    path = "/" + location.split("/", 3)[3]
    read = send("GET", f"{path}?format=nt", token="-")
    assert read.body.startswith(f"<{location}> <urn:p>".encode())


def test_a_graph_is_named_by_its_own_address(send: Send, service: Running) -> None:
    assert send("PUT", "/data/person/1.ttl", "<> <urn:p> 1 .").status == 201
    direct = send("GET", "/data/person/1.ttl?format=nt").body
    assert direct == send("GET", f"{graph(f'{service.url}/data/person/1.ttl')}&format=nt").body
    assert direct.startswith(f"<{service.url}/data/person/1.ttl>".encode())


def test_the_default_graph_is_written_and_read(send: Send) -> None:
    assert send("PUT", "/data?default", "<urn:d> <urn:p> 1 .").status in (201, 204)
    assert send("GET", "/data?default&format=nt").body.startswith(b"<urn:d> <urn:p>")
    assert send("DELETE", "/data?default").status == 204
    reply = send("GET", "/data?default&format=nt")
    assert (reply.status, reply.body) == (200, b"")


def test_an_empty_graph_is_a_graph(send: Send) -> None:
    target = graph("urn:empty")
    assert send("PUT", target, "").status == 201
    reply = send("GET", f"{target}&format=nt")
    assert (reply.status, reply.body) == (200, b"")


def test_a_form_with_files_is_one_graph(send: Send) -> None:
    parts = (
        '--x\r\nContent-Disposition: form-data; name="a"; filename="a.ttl"\r\n'
        "Content-Type: text/turtle\r\n\r\n<urn:a> <urn:p> 1 .\r\n"
        '--x\r\nContent-Disposition: form-data; name="b"; filename="b.nt"\r\n\r\n'
        "<urn:b> <urn:p> <urn:c> .\r\n--x--\r\n"
    )
    target = graph("urn:parts")
    assert send("POST", target, parts, "multipart/form-data; boundary=x").status == 201
    assert send("GET", f"{target}&format=nt").body.count(b"\n") == 2


@pytest.mark.parametrize(
    ("method", "target", "body", "kind", "status"),
    [
        ("PUT", "/data", "<urn:a> <urn:p> 1 .", TURTLE, 400),
        ("PUT", "/data?graph=nothing", "<urn:a> <urn:p> 1 .", TURTLE, 400),
        ("PUT", "/data?default&graph=urn:g", "<urn:a> <urn:p> 1 .", TURTLE, 400),
        ("PUT", "/data?graph=urn:bad", "<urn:a> <urn:p>", TURTLE, 400),
        ("PUT", "/data?graph=urn:bad", "a,b", "text/csv", 415),
        ("PUT", "/data?graph=urn:bad", "(" * 100_000, TURTLE, 400),
        (
            "PUT",
            "/data?graph=urn:bad",
            '<!DOCTYPE x [<!ENTITY a "b">]>',
            "application/rdf+xml",
            400,
        ),
        ("PATCH", "/data?graph=urn:bad", "", TURTLE, 405),
        ("GET", "/data", None, TURTLE, 400),
    ],
)
def test_a_request_that_cannot_be_right_is_refused(
    send: Send, method: str, target: str, body: str | None, kind: str, status: int
) -> None:
    assert send(method, target, body, kind).status == status
    assert send("GET", "/data?graph=urn:bad").status == 404


@pytest.mark.parametrize("written", ["a\\u000Bb", "a\\bb", "a\\U0000FFFEb"])
@pytest.mark.parametrize("how", ["PUT", "POST", "update", "computed"])
def test_a_text_with_a_control_character_is_refused_with_its_place(
    send: Send, how: str, written: str
) -> None:
    updates = {
        "update": f"INSERT DATA {{ GRAPH <urn:odd> {{ <urn:s> <urn:p> '{written}' }} }}",
        "computed": f"""INSERT {{ GRAPH <urn:odd> {{ <urn:s> <urn:p> ?text }} }}
            WHERE {{ BIND (CONCAT('x', '{written}') AS ?text) }}""",
    }
    if how in updates:
        reply = send("POST", "/sparql", updates[how], UPDATE)
    else:
        reply = send(how, graph("urn:odd"), f"<urn:s> <urn:p> '{written}' .")
    assert reply.status == 400
    assert "<urn:s> <urn:p> holds a sign that nobody sees (U+" in reply.body.decode()
    assert send("GET", graph("urn:odd")).status == 404


def test_what_an_escape_looks_like_is_no_control_character(send: Send) -> None:
    text = r"INSERT DATA { GRAPH <urn:even> { <urn:s> <urn:p> 'C:\\bin\\u000B' } }"
    assert send("POST", "/sparql", text, UPDATE).status == 204
    assert send("PUT", graph("urn:even"), r"<urn:s> <urn:p> 'C:\\bin' .").status == 204


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
def test_a_graph_is_changed_only_in_the_state_that_the_request_expects(
    send: Send, service: Running, method: str
) -> None:
    target = graph(f"urn:expected:{method}")
    body = None if method == "DELETE" else "<urn:a> <urn:p> 2 ."
    assert send(method, target, body, If_Match="*").status == (404 if body is None else 412)
    assert send("PUT", target, "<urn:a> <urn:p> 1 .", If_None_Match="*").status == 201
    tag = send("GET", target, Accept="text/turtle").headers["ETag"]
    assert not tag.startswith("W/")
    others = {"If_Match": '"another"'}, {"If_Match": f"W/{tag}"}, {"If_None_Match": "*"}
    for headers in (*others, {"If_None_Match": f"W/{tag}"}):
        refused = send(method, target, body, **headers)
        assert (refused.status, b"If-" in refused.body) == (412, True), headers
    assert send("GET", target, If_None_Match=tag, Accept="text/turtle").status == 304
    service.store.commit(Change(replace={"urn:elsewhere": b"<urn:a> <urn:p> <urn:b> ."}))
    assert send(method, target, body, If_Match=tag).status == 204
    assert send(method, target, body, If_Match=tag).status == (404 if body is None else 412)
    found = send("GET", f"{target}&format=nt")
    statements = {"PUT": 1, "POST": 2, "DELETE": 0}[method]
    assert found.status == (200 if statements else 404)
    assert not statements or found.body.count(b"\n") == statements


def test_of_many_who_expect_one_state_only_one_changes_it(send: Send) -> None:
    target = graph("urn:raced")
    assert send("PUT", target, "<urn:a> <urn:p> 0 .").status == 201
    tag = send("GET", f"{target}&format=nt").headers["ETag"]

    def put(number: int) -> int:
        reply = send("PUT", target, f"<urn:a> <urn:p> {number} .", If_Match=tag)
        return int(reply.status)

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(put, range(1, 9)))
    assert sorted(told) == [204] + [412] * 7
    assert f'"{told.index(204) + 1}"'.encode() in send("GET", f"{target}&format=nt").body


def test_what_has_no_tag_of_its_own_is_not_changed_where_one_is_expected(send: Send) -> None:
    text = "INSERT DATA { GRAPH <urn:untagged> { <urn:a> <urn:p> 1 } }"
    for headers in ({"If_Match": '"1"'}, {"If_None_Match": "*"}):
        assert send("POST", "/sparql", text, UPDATE, **headers).status == 412
        assert send("POST", "/submissions", "", TURTLE, **headers).status == 412
    assert not holds(send, "GRAPH <urn:untagged> { ?s ?p ?o }")
    assert send("POST", "/sparql", text, UPDATE, If_Match="*").status == 204


def test_the_dataset_of_the_request_is_no_part_of_what_was_sent(send: Send) -> None:
    text = "INSERT { GRAPH <urn:sent> { ?s ?p ?o } } WHERE { ?s ?p ?o }"
    assert send("POST", "/sparql?using-graph-uri=urn:sent", text, UPDATE).status == 204
    digest = sha256(text.encode()).hexdigest()
    assert holds(send, f"?sent <http://purl.org/dc/terms/identifier> 'sha256:{digest}'")


def test_each_file_of_a_form_is_recorded(send: Send) -> None:
    files = "<urn:f1> <urn:p> 1 . # one", "<urn:f2> <urn:p> 2 . # two"
    parts = "".join(
        f'--x\r\nContent-Disposition: form-data; name="a"; filename="a.ttl"\r\n\r\n{one}\r\n'
        for one in files
    )
    reply = send("PUT", graph("urn:files"), f"{parts}--x--\r\n", "multipart/form-data; boundary=x")
    assert reply.status == 201
    for one in files:
        digest = sha256(one.encode()).hexdigest()
        assert holds(send, f"?sent <http://purl.org/dc/terms/identifier> 'sha256:{digest}'")


def test_writing_a_graph_takes_a_curators_token(send: Send, service: Running) -> None:
    target = graph("urn:token")
    for token, status in (("-", 401), (service.contributor, 403)):
        assert send("PUT", target, "<urn:a> <urn:p> 1 .", TURTLE, token).status == status
        assert send("DELETE", graph("urn:thing"), None, TURTLE, token).status == status
    assert send("GET", target).status == 404


@pytest.mark.parametrize(
    "name", ["ontology", "provenance", "catalogue", "assessment/test", "organisation/test"]
)
def test_the_graphs_of_this_software_are_not_written(send: Send, name: str) -> None:
    reply = send("PUT", graph(f"{BASE}graph/{name}"), "<urn:a> <urn:p> 1 .")
    assert reply.status == 403
    assert b"is not changed here: " in reply.body


def test_rdflib_and_sparqlwrapper_update(service: Running) -> None:
    headers = {"Authorization": f"Bearer {service.curator}"}
    store = SPARQLUpdateStore(
        f"{service.url}/sparql", f"{service.url}/sparql", headers=headers, autocommit=True
    )
    store.update("INSERT DATA { GRAPH <urn:lib> { <urn:lib> <urn:p> 'lib' } }")
    client = SPARQLWrapper(f"{service.url}/sparql")
    client.setMethod(POST)
    client.addCustomHttpHeader("Authorization", headers["Authorization"])
    client.setQuery("INSERT DATA { GRAPH <urn:lib> { <urn:lib> <urn:p> 'wrapper' } }")
    client.query()
    rows = rdflib.Graph(store).query("SELECT ?o { GRAPH <urn:lib> { ?s ?p ?o } }")
    assert {str(row[0]) for row in rows} == {"lib", "wrapper"}  # type: ignore[index]  # a row
