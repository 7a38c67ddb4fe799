"""Twenty writes of one kind at once, beside a stream of commits: what is acknowledged is there.

Each other one says that nothing was done, and nothing of it is there. The record of each that was
acknowledged (PROV-O) has the SHA-256 of the very bytes that were sent.
"""

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest

from coprod_kg.access import Private, Role, Tokens
from coprod_kg.errors import CoprodError
from coprod_kg.settings import Settings
from coprod_kg.store.base import Change, Query
from coprod_kg.store.directory import DataDirectory
from coprod_kg.store.snapshots import Snapshots
from tests.test_submitting import initiative, organisation, sent
from tests.web.service import Running, running

AT_ONCE = 20
BASE = "https://w3id.org/coprod/"
TURTLE, UPDATE, SPARQL = "text/turtle", "application/sparql-update", "application/sparql-query"
REFUSED = frozenset({409, 429, 503})
"""Somebody else's commit came in between; too many at once; a store that is not there."""


@dataclass(frozen=True, slots=True)
class Write:
    """One request that writes, and what it leaves where it is acknowledged."""

    method: str
    path: str
    body: bytes | None
    kind: str
    there: str
    """A graph pattern that matches where the write was made and only then."""
    digest: bytes | None = None
    """What provenance has the SHA-256 of; the body where nothing else is said."""


@dataclass(frozen=True, slots=True)
class Stream:
    """A service into which somebody commits all the time."""

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


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stream]:
    settings = Settings(web_workers=2, workers=2, freshness="off")
    data = tmp_path_factory.mktemp("acknowledged") / "data"
    ending = threading.Event()
    with running(data, settings, things=3) as service:

        def commit() -> None:
            number = 0
            while not ending.wait(0.1):
                number += 1
                line = f'<urn:stream> <urn:n> "{number}" .\n'.encode()
                service.store.commit(Change({"urn:stream": line}))

        committing = threading.Thread(target=commit)
        committing.start()
        yield Stream(service, Settings.load({"data": data}, {}))
        ending.set()
        committing.join()


def graph(iri: str) -> str:
    return f"/data?graph={quote(iri, safe='')}"


def put(number: int) -> Write:
    body = f"# sent so\n<urn:put> <urn:n> {number} .".encode()
    there = f"GRAPH <urn:put:{number}> {{ <urn:put> <urn:n> {number} }}"
    return Write("PUT", graph(f"urn:put:{number}"), body, TURTLE, there)


def post(number: int) -> Write:
    body = f"[] <urn:posted> {number} .".encode()
    there = f"GRAPH <urn:post> {{ ?blank <urn:posted> {number} }}"
    return Write("POST", graph("urn:post"), body, TURTLE, there)


def delete(number: int) -> Write:
    there = f"FILTER NOT EXISTS {{ GRAPH <urn:delete:{number}> {{ ?s ?p ?o }} }}"
    return Write("DELETE", graph(f"urn:delete:{number}"), None, TURTLE, there)


def insert(number: int) -> Write:
    body = f"INSERT DATA {{ GRAPH <urn:insert> {{ <urn:s> <urn:inserted> {number} }} }}".encode()
    there = f"GRAPH <urn:insert> {{ <urn:s> <urn:inserted> {number} }}"
    return Write("POST", "/sparql", body, UPDATE, there)


def in_a_form(number: int) -> Write:
    text = f"INSERT DATA {{ GRAPH <urn:form:{number}> {{ <urn:s> <urn:formed> {number} }} }}"
    there = f"GRAPH <urn:form:{number}> {{ <urn:s> <urn:formed> {number} }}"
    kind, body = "application/x-www-form-urlencoded", urlencode({"update": text}).encode()
    return Write("POST", "/sparql", body, kind, there, text.encode())


def submit(number: int) -> Write:
    name = f"town-{number}"
    body = sent("x.ttl", organisation(name), initiative(f"panel-{number}", name)).content
    there = f"GRAPH <{BASE}graph/organisation/{name}> {{ ?s ?p ?o }}"
    return Write("POST", "/submissions", body, TURTLE, there)


def patch(number: int) -> Write:
    body = sent("x.ttl", organisation("patched"), initiative(f"patch-{number}", "patched")).content
    there = (
        f"GRAPH <{BASE}graph/organisation/patched> {{ <{BASE}id/initiative/patch-{number}> ?p ?o }}"
    )
    return Write("POST", "/submissions?patch=1&organisation=patched", body, TURTLE, there)


def question(number: int) -> Write:
    body = (
        f"#+ summary: Which things have the number {number}?\n#+ description: One row for each.\n"
        "#+ tags: test\n#+ column thing: The thing.\n"
        f"SELECT ?thing WHERE {{ ?thing <urn:count> {number} }} ORDER BY ?thing\n"
    ).encode()
    there = f"<{BASE}queries/question-{number}> ?p ?o"
    return Write("PUT", f"/queries/question-{number}", body, SPARQL, there)


def forget(number: int) -> Write:
    there = f"FILTER NOT EXISTS {{ <{BASE}queries/question-{number}> ?p ?o }}"
    return Write("DELETE", f"/queries/question-{number}", None, SPARQL, there)


def make_graphs(stream: Stream) -> None:
    graphs = {f"urn:delete:{number}": b"<urn:a> <urn:b> <urn:c> .\n" for number in range(AT_ONCE)}
    stream.service.store.commit(Change(graphs))


def make_organisation(stream: Stream) -> None:
    body = sent("x.ttl", organisation("patched"), initiative("first", "patched")).content
    assert stream.send(Write("POST", "/submissions", body, TURTLE, ""))[0] == 201


def make_questions(stream: Stream) -> None:
    for number in range(AT_ONCE):
        assert stream.send(question(number))[0] in (201, 204)


def nothing(_: Stream) -> None:
    """Nothing has to be there before."""


@pytest.mark.parametrize(
    ("make", "write"),
    [
        (nothing, put),
        (nothing, post),
        (make_graphs, delete),
        (nothing, insert),
        (nothing, in_a_form),
        (nothing, submit),
        (make_organisation, patch),
        (nothing, question),
        (make_questions, forget),
    ],
    ids=lambda one: one.__name__,
)
def test_what_is_acknowledged_is_there_and_nothing_else(
    stream: Stream, make: Callable[[Stream], None], write: Callable[[int], Write]
) -> None:
    make(stream)
    writes = [write(number) for number in range(AT_ONCE)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        told = list(pool.map(stream.send, writes))
    assert any(status < 300 for status, _ in told), told
    for one, (status, answer) in zip(writes, told, strict=True):
        assert status < 300 or status in REFUSED, answer
        assert stream.asks(one.there) == (status < 300), (one, status, answer)
        recorded = one.digest or one.body
        if recorded is not None:
            assert stream.recorded(recorded) == (status < 300), (one, status, answer)


def test_of_many_graphs_put_to_one_address_the_last_is_there_whole(stream: Stream) -> None:
    rows = 200

    def write(number: int) -> Write:
        lines = (f"<urn:row:{row}> <urn:n> {number} ." for row in range(rows))
        return Write("PUT", graph("urn:one"), "\n".join(lines).encode(), TURTLE, "")

    writes = [write(number) for number in range(AT_ONCE)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        told = list(pool.map(stream.send, writes))
    done = [number for number, (status, _) in enumerate(told) if status < 300]
    assert sum(status == 201 for status, _ in told) <= 1
    assert all(status < 300 or status in REFUSED for status, _ in told), told
    text = "SELECT ?n (COUNT(*) AS ?rows) { GRAPH <urn:one> { ?s <urn:n> ?n } } GROUP BY ?n"
    found = stream.service.store.query(Query(text, ("text/csv",))).read().decode().split()
    assert found[1:] in [[f"{number},{rows}"] for number in done]
    assert all(stream.recorded(writes[number].body or b"") for number in done)


def test_of_many_who_take_submissions_back_each_acknowledged_one_did(stream: Stream) -> None:
    newest = {}
    for number in range(4):
        name = f"back-{number}"
        body = sent("x.ttl", organisation(name), initiative(f"panel-{name}", name)).content
        status, answer = stream.send(Write("POST", "/submissions", body, TURTLE, ""))
        assert status == 201, answer
        newest[name] = json.loads(answer)["submission"]
    writes = [
        Write("POST", f"/submissions/{one}/rollback", b"", TURTLE, name)
        for name, one in newest.items()
    ]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        told = list(pool.map(stream.send, writes))
    assert any(status == 201 for status, _ in told), told
    for one, (status, answer) in zip(writes, told, strict=True):
        assert status == 201 or status in REFUSED, answer
        there = stream.asks(f"GRAPH <{BASE}graph/organisation/{one.there}> {{ ?s ?p ?o }}")
        assert there == (status != 201), (one, status, answer)


def test_every_token_private_mark_and_tag_that_was_given_is_there(stream: Stream) -> None:
    data: Path = stream.settings.data
    snapshots = Snapshots(DataDirectory(data).snapshots)
    tokens = Tokens(data)

    def token(number: int) -> str:
        return Tokens(data).create(f"token-{number}", Role.CURATOR)

    def mark(number: int) -> bool:
        return Private(data).mark(f"private-{number}")

    def tag(number: int) -> int | None:
        version = snapshots.versions()[0]  # the next to be removed
        try:
            snapshots.tag(version, f"tag-{number}")
        except CoprodError:
            return None
        return version

    with ThreadPoolExecutor(3 * AT_ONCE) as pool:
        made = [pool.submit(token, number) for number in range(AT_ONCE)]
        marked = [pool.submit(mark, number) for number in range(AT_ONCE)]
        tagged = [pool.submit(tag, number) for number in range(AT_ONCE)]
    for number, secret in enumerate(made):
        assert tokens.grant(secret.result()).name == f"token-{number}"
    assert all(one.result() for one in marked)
    assert set(Private(data).organisations()) == {f"private-{number}" for number in range(AT_ONCE)}
    for number in range(AT_ONCE):
        Private(data).mark(f"private-{number}", private=False)
    for number, one in enumerate(tagged):
        version = one.result()
        assert snapshots.tags().get(f"tag-{number}") == version
        if version is not None:
            snapshots.open(version).close()
