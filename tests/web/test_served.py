"""The same routes behind the real server, where only the bytes on the socket count."""

import http.client
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.web.server import START_SECONDS, answers, granian

ALL = "SELECT ?o { ?s ?p ?o } ORDER BY ?o"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with granian("tests.web.served:app", tmp_path_factory.mktemp("granian")) as (port, _):
        yield port


Ask = Callable[..., http.client.HTTPResponse]


@pytest.fixture
def ask(port: int) -> Iterator[Ask]:
    connections = []

    def request(
        method: str, target: str, body: object = None, **headers: str
    ) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connections.append(connection)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        chunked = not isinstance(body, bytes) and body is not None
        connection.request(method, target, body, given, encode_chunked=chunked)  # type: ignore[arg-type]  # any body that http.client takes
        return connection.getresponse()

    yield request
    for connection in connections:
        connection.close()


def request_log(port: int, raw: bytes) -> bytes:
    """Send bytes as they are and read what comes until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(raw)
        received = b""
        while piece := connection.recv(65536):
            received += piece
    return received


def query(text: str) -> str:
    return f"/sparql?query={quote(text)}"


def test_a_large_answer_arrives_whole_in_chunks(ask: Ask) -> None:
    response = ask("GET", query(ALL), Accept="text/csv")
    data = response.read()
    assert response.status == 200
    assert response.headers["Transfer-Encoding"] == "chunked"
    assert data.count(b"\r\n") == 50_001


@pytest.mark.parametrize("how", ["unsized", "sized"])
def test_an_answer_that_fails_midway_breaks_the_connection(port: int, how: str) -> None:
    raw = f"GET {query(f'{ALL} # fails {how}')} HTTP/1.1\r\nHost: x\r\nAccept: text/csv\r\n\r\n"
    received = request_log(port, raw.encode())
    assert not received.endswith(b"0\r\n\r\n")
    head, _, _ = received.partition(b"\r\n\r\n")
    assert (b"transfer-encoding: chunked" in head) == (how == "unsized" and bool(head))


@pytest.mark.parametrize("how", ["unsized", "sized"])
def test_every_client_notices_that_an_answer_is_not_whole(
    port: int, how: str, require: Callable[[str], None]
) -> None:
    require("curl")
    address = f"http://127.0.0.1:{port}{query(f'{ALL} # fails {how}')}"
    curl = subprocess.run(["curl", "--silent", address], capture_output=True, check=False)
    assert curl.returncode in (18, 52, 56)
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        urllib.request.urlopen(address).read()


def test_head_has_the_headers_of_get_and_no_byte_of_the_body(port: int, ask: Ask) -> None:
    text = f"{ALL} LIMIT 7"
    length = ask("GET", query(text), Accept="application/json").headers["Content-Length"]
    raw = f"HEAD {query(text)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    head, _, body = request_log(port, f"{raw}Accept: application/json\r\n\r\n".encode()).partition(
        b"\r\n\r\n"
    )
    assert body == b""
    said = [one for one in head.lower().split(b"\r\n") if one.startswith(b"content-length")]
    assert said in ([], [f"content-length: {length}".encode()])


def test_an_unchanged_answer_has_no_body(ask: Ask) -> None:
    tag = ask("GET", query(ALL)).headers["ETag"]
    response = ask("GET", query(ALL), If_None_Match=tag)
    assert (response.status, response.read()) == (304, b"")
    assert response.headers["Access-Control-Allow-Origin"] == "*"


def test_a_body_in_chunks_is_read(ask: Ask) -> None:
    pieces = [b"ASK { ?s ", b"?p ?o }"]
    response = ask("POST", "/sparql", iter(pieces), Content_Type="application/sparql-query")
    assert response.status == 200, response.read()
    assert b"true" in response.read()


def test_a_body_in_chunks_over_the_limit_is_refused(ask: Ask) -> None:
    pieces = [b"#" * 65536] * 20
    response = ask("POST", "/sparql", iter(pieces), Content_Type="application/sparql-query")
    assert response.status == 413
    response.read()


@pytest.mark.parametrize(("beyond", "status"), [(0, 400), (1, 413)])
def test_a_body_in_chunks_is_never_cut_at_the_limit(ask: Ask, beyond: int, status: int) -> None:
    pieces = [b"#" * 1024**2, b"#" * beyond] if beyond else [b"#" * 1024**2]
    response = ask("POST", "/sparql", iter(pieces), Content_Type="application/sparql-query")
    assert response.status == status
    response.read()


def test_a_body_announced_over_the_limit_is_refused_unread(port: int) -> None:
    raw = (
        "POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Type: application/sparql-query\r\n"
        "Content-Length: 99999999999\r\n\r\n"
    )
    answer = request_log(port, raw.encode())
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"application/problem+json" in answer


def test_percent_signs_and_letters_outside_ascii_survive_the_socket(ask: Ask) -> None:
    text = 'SELECT ("%25 Å + 語" AS ?x) {}'
    response = ask("GET", query(text), Accept="text/csv")
    assert response.read() == "x\r\n%25 Å + 語\r\n".encode()


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (b"/sparql?query=%FF", b"400"),
        (b"/sparql?query=%", b"400"),
        (b"/sparql?query=\xc3\x85", b"400"),
        (b"/id/initiative/%FF", b"404"),
        (b"/id/initiative/..%2F..%2Fetc", b"404"),
        (b"/%00", b"404"),
        (b"/static/..%2Fserver.py", b"404"),
    ],
)
def test_a_strange_address_is_an_error_of_the_client(
    port: int, target: bytes, status: bytes
) -> None:
    raw = b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert request_log(port, raw).split(b" ")[1] == status


@pytest.mark.parametrize(
    "header",
    [
        b"Accept: " + b"a/b," * 2000,
        b"Accept: \xff\xfe",
        b"Accept: text/html;q=9999999999999999999, */*;q=nan",
        b"If-None-Match: " + b'"x",' * 2000,
        b'If-None-Match: W/"unclosed',
        b"Content-Length: 0",
    ],
)
def test_a_strange_header_is_never_a_fault_of_the_service(port: int, header: bytes) -> None:
    target = query("ASK {}").encode()
    raw = b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + header + b"\r\n\r\n"
    status = int(request_log(port, raw).split(b" ")[1])
    assert status < 500


def test_a_web_process_ends_with_its_parent_and_is_not_ready_without_a_store(
    tmp_path: Path,
) -> None:
    environ = {"COPROD_RUN": str(tmp_path), "COPROD_DATA": str(tmp_path / "data")}
    with granian("coprod_kg.server.app:app", tmp_path, **environ) as (port, server):
        statuses = {}
        for path in ("/healthz", "/readyz", "/robots.txt"):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("GET", path)
            statuses[path] = connection.getresponse().status
            connection.close()
        assert statuses == {"/healthz": 200, "/readyz": 503, "/robots.txt": 200}
        server.kill()
        server.wait(30)
        end = time.monotonic() + START_SECONDS
        while answers(port):
            assert time.monotonic() < end, "the worker outlived its parent"
            time.sleep(0.1)
