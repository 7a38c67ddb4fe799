"""Every kind of write over HTTP as one request, and how to see whether it was made."""

import http.client
import json
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import quote, urlencode

from coprod_kg.settings import Settings
from coprod_kg.store.base import Change, Query
from tests.test_submitting import initiative, organisation, sent
from tests.web.service import Running

__all__ = ["AT_ONCE", "BASE", "ROADS", "TURTLE", "Road", "Site", "Write", "graph"]

AT_ONCE = 20
BASE = "https://w3id.org/coprod/"
TURTLE, UPDATE, SPARQL = "text/turtle", "application/sparql-update", "application/sparql-query"


@dataclass(frozen=True, slots=True)
class Write:
    """One request that writes, and what it leaves where it is acknowledged."""

    method: str
    path: str
    body: bytes | None
    kind: str
    there: str
    """A graph pattern that matches where the write was made and only then."""
    text: bytes | None = None
    """What provenance has the SHA-256 of, where that is not the body."""

    @property
    def sent(self) -> bytes | None:
        """What provenance has the SHA-256 of."""
        return self.text or self.body


@dataclass(frozen=True, slots=True)
class Site:
    """A running service, and a curator who writes there."""

    service: Running
    settings: Settings

    def send(self, write: Write) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=300)
        headers = {"Authorization": f"Bearer {self.service.curator}", "Content-Type": write.kind}
        connection.request(write.method, write.path, write.body, headers)
        response = connection.getresponse()
        told = response.status, response.read()
        connection.close()
        return told

    def asks(self, pattern: str) -> bool:
        query = Query(f"ASK {{ {pattern} }}", ("application/sparql-results+json",))
        return bool(json.loads(self.service.store.query(query).read())["boolean"])

    def recorded(self, content: bytes) -> bool:
        digest = sha256(content).hexdigest()
        prov, identifier = "http://www.w3.org/ns/prov#", "http://purl.org/dc/terms/identifier"
        return self.asks(
            f"GRAPH <{BASE}graph/provenance> {{ ?activity <{prov}used> ?sent . "
            f"?sent <{identifier}> 'sha256:{digest}' }}"
        )


def graph(iri: str) -> str:
    return f"/data?graph={quote(iri, safe='')}"


def put(_: Site, number: int) -> Write:
    body = f"# sent so\n<urn:put> <urn:n> {number} .".encode()
    there = f"GRAPH <urn:put:{number}> {{ <urn:put> <urn:n> {number} }}"
    return Write("PUT", graph(f"urn:put:{number}"), body, TURTLE, there)


def post(_: Site, number: int) -> Write:
    body = f"[] <urn:posted> {number} .".encode()
    there = f"GRAPH <urn:post> {{ ?blank <urn:posted> {number} }}"
    return Write("POST", graph("urn:post"), body, TURTLE, there)


def delete(_: Site, number: int) -> Write:
    there = f"FILTER NOT EXISTS {{ GRAPH <urn:delete:{number}> {{ ?s ?p ?o }} }}"
    return Write("DELETE", graph(f"urn:delete:{number}"), None, TURTLE, there)


def insert(_: Site, number: int) -> Write:
    body = f"INSERT DATA {{ GRAPH <urn:insert> {{ <urn:s> <urn:inserted> {number} }} }}".encode()
    there = f"GRAPH <urn:insert> {{ <urn:s> <urn:inserted> {number} }}"
    return Write("POST", "/sparql", body, UPDATE, there)


def in_a_form(_: Site, number: int) -> Write:
    text = f"INSERT DATA {{ GRAPH <urn:form:{number}> {{ <urn:s> <urn:formed> {number} }} }}"
    there = f"GRAPH <urn:form:{number}> {{ <urn:s> <urn:formed> {number} }}"
    kind, body = "application/x-www-form-urlencoded", urlencode({"update": text}).encode()
    return Write("POST", "/sparql", body, kind, there, text.encode())


def submit(_: Site, number: int) -> Write:
    name = f"town-{number}"
    body = sent("x.ttl", organisation(name), initiative(f"panel-{number}", name)).content
    there = f"GRAPH <{BASE}graph/organisation/{name}> {{ ?s ?p ?o }}"
    return Write("POST", "/submissions", body, TURTLE, there)


def patch(_: Site, number: int) -> Write:
    body = sent("x.ttl", organisation("patched"), initiative(f"patch-{number}", "patched")).content
    there = (
        f"GRAPH <{BASE}graph/organisation/patched> {{ <{BASE}id/initiative/patch-{number}> ?p ?o }}"
    )
    return Write("POST", "/submissions?patch=1&organisation=patched", body, TURTLE, there)


def question(_: Site, number: int) -> Write:
    body = (
        f"#+ summary: Which things have the number {number}?\n#+ description: One row for each.\n"
        "#+ tags: test\n#+ column thing: The thing.\n"
        f"SELECT ?thing WHERE {{ ?thing <urn:count> {number} }} ORDER BY ?thing\n"
    ).encode()
    there = f"<{BASE}queries/question-{number}> ?p ?o"
    return Write("PUT", f"/queries/question-{number}", body, SPARQL, there)


def forget(_: Site, number: int) -> Write:
    there = f"FILTER NOT EXISTS {{ <{BASE}queries/question-{number}> ?p ?o }}"
    return Write("DELETE", f"/queries/question-{number}", None, SPARQL, there)


def take_back(site: Site, number: int) -> Write:
    """Take the submission of an organisation of its own back; its bytes are sent by nobody."""
    name = f"back-{number}"
    listed = json.loads(site.send(Write("GET", "/submissions", None, TURTLE, ""))[1])
    submission = next(
        one["submission"] for one in listed["submissions"] if one["organisations"] == [name]
    )
    there = f"FILTER NOT EXISTS {{ GRAPH <{BASE}graph/organisation/{name}> {{ ?s ?p ?o }} }}"
    return Write("POST", f"/submissions/{submission}/rollback", None, TURTLE, there)


def make_graphs(site: Site, count: int) -> None:
    graphs = {f"urn:delete:{number}": b"<urn:a> <urn:b> <urn:c> .\n" for number in range(count)}
    site.service.store.commit(Change(graphs))


def make_organisation(site: Site, _: int) -> None:
    _submitted(site, "patched")


def make_submissions(site: Site, count: int) -> None:
    for number in range(count):
        _submitted(site, f"back-{number}")


def make_questions(site: Site, count: int) -> None:
    for number in range(count):
        assert site.send(question(site, number))[0] in (201, 204)


def nothing(_: Site, __: int) -> None:
    """Nothing has to be there before."""


def _submitted(site: Site, name: str) -> None:
    body = sent("x.ttl", organisation(name), initiative(f"first-{name}", name)).content
    status, answer = site.send(Write("POST", "/submissions", body, TURTLE, ""))
    assert status in (200, 201), answer


@dataclass(frozen=True, slots=True)
class Road:
    """One kind of write.

    Attributes:
        name: what it is called in the documentation.
        make: what has to be there before so many requests.
        write: one of them, by its number.
    """

    name: str
    make: Callable[[Site, int], None]
    write: Callable[[Site, int], Write]


ROADS = (
    Road("PUT /data", nothing, put),
    Road("POST /data", nothing, post),
    Road("DELETE /data", make_graphs, delete),
    Road("POST /sparql (update)", nothing, insert),
    Road("POST /sparql (form)", nothing, in_a_form),
    Road("POST /submissions", nothing, submit),
    Road("POST /submissions?patch=1", make_organisation, patch),
    Road("POST /submissions/ID/rollback", make_submissions, take_back),
    Road("PUT /queries/NAME", nothing, question),
    Road("DELETE /queries/NAME", make_questions, forget),
)
