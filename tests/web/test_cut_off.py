"""A request body that breaks off, is packed, or comes in chunks, on every road that takes one."""

import gzip
import socket
import struct
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress

import pyoxigraph as ox
import pytest

from coprod_kg.settings import Settings
from coprod_kg.store.base import Change
from tests.web.service import GRAPH, Running, running

INSERT = "INSERT DATA { GRAPH <urn:cut> { <urn:a> <urn:p> 1 } } ;"
QUESTION = """#+ summary: Which things are cut?
#+ description: One row for each thing.
#+ tags: test
#+ column thing: The thing.
SELECT ?thing WHERE { ?thing <urn:p> ?o } ORDER BY ?thing
"""
CHART = """{"data": {"name": "rows"}, "mark": "bar",
 "encoding": {"y": {"field": "thing", "type": "nominal"}}}
"""
DATA = """@prefix org: <http://www.w3.org/ns/org#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
<https://w3id.org/coprod/id/organisation/test> a org:Organization ; rdfs:label "Test"@en .
"""
FORM = (
    '--b\r\nContent-Disposition: form-data; name="file"; filename="a.ttl"\r\n'
    f"Content-Type: text/turtle\r\n\r\n{DATA}\r\n--b--\r\n"
)
ROADS = {
    "query": ("POST /sparql", "application/sparql-query", "ASK {}"),
    "query form": ("POST /sparql", "application/x-www-form-urlencoded", "query=ASK%7B%7D&a=b"),
    "update": ("POST /sparql", "application/sparql-update", f"{INSERT} {INSERT}"),
    "update form": (
        "POST /sparql",
        "application/x-www-form-urlencoded",
        "update=INSERT%20DATA%7B%3Curn:a%3E%20%3Curn:p%3E%201%7D&x=y",
    ),
    "graph PUT": ("PUT /data?graph=urn:cut", "text/turtle", DATA * 2),
    "graph POST": ("POST /data?graph=urn:cut", "text/turtle", DATA * 2),
    "graph form": ("POST /data?graph=urn:cut", "multipart/form-data; boundary=b", FORM),
    "submission": ("POST /submissions", "text/turtle", DATA * 2),
    "patch": ("POST /submissions?patch=1", "text/turtle", DATA * 2),
    "submission form": ("POST /submissions", "multipart/form-data; boundary=b", FORM),
    "check": ("POST /submissions?dry_run=1", "text/turtle", DATA * 2),
    "check form": ("POST /submissions?dry_run=1", "multipart/form-data; boundary=b", FORM),
    "question": ("PUT /queries/what-is-cut.rq", "application/sparql-query", QUESTION),
    "chart": ("PUT /queries/what-is-cut.vl.json", "application/json", CHART),
}
HOWS = ("short", "no last chunk", "in a chunk", "before the end of the last", "no chunk size")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    settings = Settings(web_workers=1, workers=2, body_mb=1, body_seconds=20)
    with running(tmp_path_factory.mktemp("cut") / "data", settings, things=30) as found:
        told = ox.serialize(ox.parse(DATA, ox.RdfFormat.TURTLE), format=ox.RdfFormat.N_TRIPLES)
        found.store.commit(Change(replace={GRAPH: told or b""}))  # which a patch can be added to
        yield found


def head(service: Running, road: str, more: str) -> bytes:
    line, kind, _ = ROADS[road]
    text = f"{line} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {service.curator}\r\n"
    return f"{text}Content-Type: {kind}\r\n{more}\r\n\r\n".encode()


def cut(service: Running, road: str, how: str) -> bytes:
    body = ROADS[road][2].encode()
    half = body[: len(body) // 2]
    if how == "short":
        return head(service, road, f"Content-Length: {len(body)}") + half
    chunk = b"%x\r\n%s\r\n" % (len(half), half)
    rest = {
        "no last chunk": chunk,
        "in a chunk": chunk + b"%x\r\n%s" % (len(body), body[len(half) :]),
        "before the end of the last": chunk + b"0\r\n",
        "no chunk size": chunk + b"zz\r\n",
    }
    return head(service, road, "Transfer-Encoding: chunked") + rest[how]


def answer(connection: socket.socket) -> bytes:
    received = bytearray()
    with suppress(ConnectionResetError):
        while piece := connection.recv(1 << 16):
            received += piece
    return bytes(received)


def sent(service: Running, raw: bytes) -> bytes:
    """What comes back until the server closes; the client sends no more than this."""
    with service.send(raw) as connection:
        connection.shutdown(socket.SHUT_WR)
        return answer(connection)


def asked(service: Running, raw: bytes) -> bytes:
    """The answer to a whole request."""
    return sent_open(service, raw.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))


def sent_open(service: Running, raw: bytes) -> bytes:
    with service.send(raw) as connection:
        return answer(connection)


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("road", ROADS)
def test_half_a_body_changes_nothing_and_its_client_is_told(
    service: Running, road: str, how: str
) -> None:
    before = service.store.version()
    received = sent(service, cut(service, road, how))
    assert received.startswith(b"HTTP/1.1 400 "), received
    assert b"problem/broken-off" in received
    assert b"nothing was changed" in received
    assert service.store.version() == before


@pytest.mark.parametrize("road", ROADS)
def test_a_client_that_vanishes_in_the_middle_changes_nothing(service: Running, road: str) -> None:
    before = service.store.version()
    for how in HOWS[:2]:
        with service.send(cut(service, road, how)) as connection:
            time.sleep(0.05)  # so that the half arrives before the reset
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert asked(service, head(service, "check", "Content-Length: 0"))
    assert service.store.version() == before


@pytest.mark.parametrize("road", ROADS)
def test_a_whole_body_is_the_same_in_chunks_packed_and_as_it_is(
    service: Running, road: str
) -> None:
    body = ROADS[road][2].encode()
    packed = gzip.compress(body[:9]) + gzip.compress(body[9:])  # two members are one body
    plain = head(service, road, f"Content-Length: {len(body)}") + body
    ways = [
        head(service, road, "Transfer-Encoding: chunked")
        + b"".join(b"%x;a=b\r\n%s\r\n" % (len(piece), piece) for piece in (body[:9], body[9:]))
        + b"0\r\nTrailer: x\r\n\r\n",
        head(service, road, f"Content-Encoding: GZIP\r\nContent-Length: {len(packed)}") + packed,
        head(service, road, "Content-Encoding: x-gzip\r\nTransfer-Encoding: chunked")
        + b"%x\r\n%s\r\n0\r\n\r\n" % (len(packed), packed),
    ]
    statuses = [asked(service, raw).split(b" ", 2)[1] for raw in (plain, *ways)]
    assert set(statuses[1:]) <= {b"200", b"201", b"204", statuses[0]}, statuses
    assert statuses[0] in (b"200", b"201", b"204"), statuses


@pytest.mark.parametrize("road", ROADS)
def test_a_body_packed_in_another_way_is_refused(service: Running, road: str) -> None:
    body = zlib.compress(ROADS[road][2].encode())
    for coding in ("deflate", "br", "gzip, gzip", "gzip,identity"):
        raw = head(service, road, f"Content-Encoding: {coding}\r\nContent-Length: {len(body)}")
        received = asked(service, raw + body).lower()
        assert received.startswith(b"http/1.1 415 ")
        assert b"\r\naccept-encoding: gzip\r\n" in received


@pytest.mark.parametrize("road", ROADS)
def test_a_packed_body_is_whole_gzip_and_bounded(service: Running, road: str) -> None:
    before = service.store.version()
    body = gzip.compress(ROADS[road][2].encode())
    bomb = gzip.compress(b" " * (2 << 20))
    for wrong, status in (
        (body[:-4], b"400"),
        (body + b"no gzip", b"400"),
        (b"no gzip", b"400"),
        (bomb, b"413"),
    ):
        more = f"Content-Encoding: gzip\r\nContent-Length: {len(wrong)}"
        received = asked(service, head(service, road, more) + wrong)
        assert received.split(b" ", 2)[1] == status, received
    assert service.store.version() == before
