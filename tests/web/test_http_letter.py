"""HTTP to the letter (RFC 9110, RFC 9112): heads, ranges, packing, preflights, byte by byte."""

import gzip
import json
from collections.abc import Iterator
from http.client import parse_headers
from io import BytesIO
from urllib.parse import quote

import pytest

from coprod_kg.settings import Settings
from tests.web.service import Running, running

ONE = "SELECT ?o WHERE { <urn:thing:7> ?p ?o }"
ALL = "SELECT ?s ?o WHERE { ?s <urn:p> ?o } ORDER BY ?o"
PAIRS = "SELECT ?a ?b { ?a <urn:p> ?x . ?b <urn:p> ?y } LIMIT 300000"
FOUND = f"/sparql?format=csv&query={quote(ONE)}"
LARGE = f"/sparql?format=csv&query={quote(ALL)}"
STREAM = f"/sparql?format=csv&query={quote(PAIRS)}"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    settings = Settings(web_workers=1, workers=2, query_seconds=60)
    with running(tmp_path_factory.mktemp("letter") / "data", settings) as found:
        yield found


def ask(
    service: Running, target: str, *headers: str, method: str = "GET"
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body; the body is as it was sent, without its chunks."""
    lines = [f"{method} {target} HTTP/1.1", *headers, "Connection: close", "", ""]
    if not any(line.lower().startswith("host:") for line in headers):
        lines.insert(1, "Host: localhost")
    return reply(service, "\r\n".join(lines).encode("latin-1"), method)


def reply(service: Running, raw: bytes, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    with service.send(raw) as connection:
        received = bytearray()
        while piece := connection.recv(1 << 16):
            received += piece
    file = BytesIO(received)
    status = int(file.readline().split()[1])
    found: dict[str, str] = {}
    for name, value in parse_headers(file).items():
        key = name.lower()
        found[key] = f"{found[key]}, {value}" if key in found else value
    body = file.read()
    if method != "HEAD" and found.get("transfer-encoding") == "chunked":
        body = whole(body)
    return status, found, body


def whole(chunks: bytes) -> bytes:
    data, file = bytearray(), BytesIO(chunks)
    while size := int(file.readline(), 16):
        data += file.read(size)
        assert file.readline() == b"\r\n"
    assert file.read() == b"\r\n"
    return bytes(data)


def check_problem(status: int, headers: dict[str, str], body: bytes) -> None:
    assert headers["content-type"] == "application/problem+json"
    assert headers["access-control-allow-origin"] == "*"
    assert json.loads(body)["status"] == status


@pytest.mark.parametrize(
    "head",
    [
        "GET / HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nHost:\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n",
        "GET / HTTP/1.1\r\nHost: a, b\r\n",
        "GET / HTTP/1.1\r\nHost: a b\r\n",
        "GET / HTTP/1.1\r\nHost: a/b\r\n",
        "GET / HTTP/1.1\r\nHost: <script>\r\n",
        "GET / HTTP/1.1\r\nHost: user@a\r\n",
        "GET / HTTP/1.1\r\nHost: a:port\r\n",
        "GET / HTTP/1.1\r\nHost: \xe9\r\n",
        "GET http://[x/ HTTP/1.1\r\nHost: a\r\n",
        "POST /sparql HTTP/1.1\r\nHost: a\r\nContent-Length: 0007\r\n",
        "POST /sparql HTTP/1.1\r\nHost: a\r\nContent-Length: 00\r\n",
        "POST /sparql HTTP/1.1\r\nHost: a\r\nContent-Length: +7\r\n",
        "POST /sparql HTTP/1.1\r\nHost: a\r\nContent-Length: 7, 7\r\n",
        "POST /sparql HTTP/1.1\r\nHost: a\r\nContent-Length: 0x7\r\n",
        "POST /sparql HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n",
        "POST /sparql HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\nContent-Length: 8\r\n",
        "GET /sparql?query=ASK%7B%7D HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \xe9\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: \xff\r\n",
    ],
)
def test_a_wrong_head_is_refused(service: Running, head: str) -> None:
    raw = f"{head}Connection: close\r\n\r\nASK{{}}  ".encode("latin-1")
    assert reply(service, raw)[0] == 400


@pytest.mark.parametrize(
    "host", ["a", "a.example:8080", "127.0.0.1", "[::1]:80", "xn--bcher-kva.example", "a_b"]
)
def test_a_host_is_a_name_or_an_address(service: Running, host: str) -> None:
    assert ask(service, FOUND, f"Host: {host}")[0] == 200


def test_a_target_may_be_a_whole_address(service: Running) -> None:
    assert ask(service, f"http://a.example:81{FOUND}", "Host: a.example:81")[0] == 200


def test_http_1_0_needs_no_host(service: Running) -> None:
    raw = f"GET {FOUND} HTTP/1.0\r\n\r\n".encode()
    assert reply(service, raw)[0] == 200


@pytest.mark.parametrize("method", ["get", "Post", "oPTIONS", "gET"])
def test_methods_are_case_sensitive(service: Running, method: str) -> None:
    status, headers, body = ask(service, FOUND, method=method)
    assert status == 501
    check_problem(status, headers, body)


def test_a_transfer_coding_beside_chunks_is_not_taken_for_the_body(service: Running) -> None:
    packed = gzip.compress(b"ASK {}")
    raw = b"POST /sparql HTTP/1.1\r\nHost: a\r\nContent-Type: application/sparql-query\r\n"
    raw += b"Connection: close\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"
    raw += b"%x\r\n%s\r\n0\r\n\r\n" % (len(packed), packed)
    status, headers, body = reply(service, raw)
    assert status == 501
    check_problem(status, headers, body)


def test_a_long_address_is_refused_with_a_way_out_that_other_sites_can_read(
    service: Running,
) -> None:
    status, headers, body = ask(service, f"/sparql?query=ASK%7B%7D%23{'a' * 61_000}")
    assert status == 414
    check_problem(status, headers, body)
    assert b"POST" in body


@pytest.mark.parametrize("header", ["x-requested-with", "range", "cache-control", "prefer"])
def test_a_preflight_allows_what_clients_send(service: Running, header: str) -> None:
    status, headers, _ = ask(
        service,
        "/sparql",
        "Origin: https://x.example",
        "Access-Control-Request-Method: POST",
        f"Access-Control-Request-Headers: {header}",
        method="OPTIONS",
    )
    assert status == 200
    assert header in headers["access-control-allow-headers"].lower()


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("0-3", 0, 3), ("5-", 5, None), ("-4", -4, None), ("3-99999999", 3, None), ("0-0", 0, 0)],
)
@pytest.mark.parametrize("target", [FOUND, LARGE, "/static/style.css", "/openapi.json", "/docs"])
def test_a_range_is_that_part_of_the_answer(
    service: Running, target: str, asked: str, first: int, last: int | None
) -> None:
    status, headers, body = ask(service, target)
    assert (status, headers["accept-ranges"]) == (200, "bytes")
    end = None if last is None else last + 1
    got, some, part = ask(service, target, f"Range: bytes={asked}")
    assert (got, part) == (206, body[first:end])
    assert some["content-length"] == str(len(part))
    start = first % len(body)
    assert some["content-range"] == f"bytes {start}-{start + len(part) - 1}/{len(body)}"
    assert some["content-type"] == headers["content-type"]


def test_a_range_behind_the_end_cannot_be_had(service: Running) -> None:
    for target in (FOUND, LARGE, "/static/style.css"):
        length = len(ask(service, target)[2])
        status, headers, body = ask(service, target, f"Range: bytes={length}-")
        assert (status, headers["content-range"]) == (416, f"bytes */{length}")
        check_problem(status, headers, body)


@pytest.mark.parametrize("asked", ["bytes=1-0", "bytes=", "bytes=-", "rows=0-1", "bytes=0-1,3-4"])
def test_what_is_no_single_range_gets_all(service: Running, asked: str) -> None:
    assert ask(service, FOUND, f"Range: {asked}")[::2] == ask(service, FOUND)[::2]


def test_a_part_is_had_of_the_same_file_only(service: Running) -> None:
    target = "/static/style.css"
    tag = ask(service, target)[1]["etag"]
    assert not tag.startswith("W/")
    assert ask(service, target, "Range: bytes=0-1", f"If-Range: {tag}")[0] == 206
    assert ask(service, target, "Range: bytes=0-1", 'If-Range: "other"')[0] == 200
    weak = ask(service, FOUND)[1]["etag"]
    assert ask(service, FOUND, "Range: bytes=0-1", f"If-Range: {weak}")[0] == 200


def test_an_answer_without_a_length_has_no_parts(service: Running) -> None:
    status, headers, body = ask(service, STREAM, "Range: bytes=0-1")
    assert (status, headers["transfer-encoding"], body.count(b"\n")) == (200, "chunked", 300_001)


@pytest.mark.parametrize(
    "target", [LARGE, STREAM, "/", "/openapi.json", "/ontology.ttl", "/static/style.css", "/docs"]
)
def test_text_is_packed_for_who_takes_that(service: Running, target: str) -> None:
    status, headers, body = ask(service, target)
    assert status == 200
    assert "content-encoding" not in headers
    for _ in range(2):  # the second time it may be kept
        got, packed, data = ask(service, target, "Accept-Encoding: br, gzip;q=0.8")
        assert (got, packed["content-encoding"]) == (200, "gzip")
        assert gzip.decompress(data) == body
        assert len(data) < len(body)
        assert "accept-encoding" in packed["vary"].lower()
        assert "accept-encoding" in headers["vary"].lower()
        if "etag" in packed:
            assert packed["etag"].startswith("W/")
            held = ask(service, target, f"If-None-Match: {packed['etag']}", "Accept-Encoding: gzip")
            assert (held[0], held[2]) == (304, b"")


@pytest.mark.parametrize(
    "header", ["gzip;q=0", "identity, gzip;q=0.5", "br", "*;q=0", "gzip;q=no", "", "gzip;Q=0.0"]
)
def test_nothing_is_packed_for_who_does_not_take_it(service: Running, header: str) -> None:
    assert "content-encoding" not in ask(service, LARGE, f"Accept-Encoding: {header}")[1]


def test_what_is_tiny_or_packed_already_is_left(service: Running) -> None:
    gzips = "Accept-Encoding: gzip"
    assert "content-encoding" not in ask(service, FOUND, gzips)[1]
    status, headers, _ = ask(service, "/queries/initiatives-by-stage.xlsx", gzips)
    assert status == 200
    assert "content-encoding" not in headers
    assert ask(service, LARGE, gzips, "Range: bytes=0-3")[2] == ask(service, LARGE)[2][:4]


def test_head_tells_of_a_packed_answer_and_sends_none(service: Running) -> None:
    status, headers, body = ask(service, LARGE, "Accept-Encoding: gzip", method="HEAD")
    assert (status, headers["content-encoding"], body) == (200, "gzip", b"")


def test_the_pages_of_others_cannot_measure_what_a_browser_signed_in_for(service: Running) -> None:
    signed = "Authorization: Basic dTp4"
    status, headers, _ = ask(service, "/static/style.css", signed, "Accept-Encoding: gzip")
    assert status == 200
    assert "content-encoding" not in headers


def test_a_byte_order_mark_before_a_query_is_none_of_it(service: Running) -> None:
    body = "\ufeffASK {}".encode()
    head = "POST /sparql HTTP/1.1\r\nHost: a\r\nContent-Type: application/sparql-query\r\n"
    head += f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    assert reply(service, head.encode() + body)[0] == 200


def test_many_on_one_connection_are_answered_in_order(service: Running) -> None:
    one = f"GET {FOUND} HTTP/1.1\r\nHost: a\r\n"
    raw = f"{one}\r\n{one}Range: bytes=0-2\r\n\r\n{one}Connection: close\r\n\r\n"
    with service.send(raw) as connection:
        connection.settimeout(30)
        received = bytearray()
        while piece := connection.recv(1 << 16):
            received += piece
    lines = [line for line in received.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]
    assert lines == [b"HTTP/1.1 200 OK", b"HTTP/1.1 206 Partial Content", b"HTTP/1.1 200 OK"]
