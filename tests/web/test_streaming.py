"""Large answers, and clients that leave or dawdle, over the whole service."""

import http.client
import socket
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import quote

import pytest

from coprod_kg.settings import Settings
from tests.web.service import Running, running
from tests.working import at_work, happens, query_workers

PAIRS = "SELECT ?a ?b { ?a <urn:p> ?x . ?b <urn:p> ?y }"
ENDLESS = "SELECT (COUNT(*) AS ?n) { ?a <urn:p> ?x . ?b <urn:p> ?y . ?c <urn:p> ?z }"
SETTINGS = Settings(
    web_workers=1,
    workers=2,
    reader_seconds=2,
    reader_rate=1_000_000,
    body_seconds=2,
    result_mb=64,
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("streaming") / "data", SETTINGS) as found:
        yield found


def get(text: str, accept: str = "text/tab-separated-values", more: str = "") -> str:
    head = f"GET /sparql?query={quote(text)}{more} HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\n"
    return f"{head}Connection: close\r\n\r\n"


def rest(connection: socket.socket) -> bytes:
    received = bytearray()
    while piece := connection.recv(1 << 16):
        received += piece
    return bytes(received)


def works(service: Running) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)
    connection.request("GET", f"/sparql?query={quote('ASK { ?s ?p ?o }')}")
    status = connection.getresponse().status
    connection.close()
    return status == 200


def workers(service: Running) -> set[int]:
    return set(query_workers(service.supervisor))


def test_a_large_answer_streams_whole(service: Running) -> None:
    target = f"/sparql?query={quote(f'{PAIRS} LIMIT 500000')}&format=tsv"
    with urllib.request.urlopen(f"{service.url}{target}") as response:
        assert response.headers["Transfer-Encoding"] == "chunked"
        assert response.read().count(b"<urn:thing:") == 1_000_000


def test_an_answer_over_its_deadline_midway_breaks_the_connection(service: Running) -> None:
    with service.send(get(PAIRS, more="&timeout=1.5")) as connection:
        received = rest(connection)
    assert received.startswith(b"HTTP/1.1 200 ")
    assert not received.endswith(b"\r\n0\r\n\r\n")
    assert works(service)


def test_an_answer_over_the_largest_size_breaks_the_connection(service: Running) -> None:
    with service.send(get(PAIRS, accept="application/sparql-results+json")) as connection:
        received = rest(connection)
    assert received.startswith(b"HTTP/1.1 200 ")
    assert not received.endswith(b"\r\n0\r\n\r\n")
    assert len(received) < 80 << 20
    assert works(service)


@pytest.mark.parametrize("text", [PAIRS, ENDLESS], ids=["midway", "before the first byte"])
def test_a_client_that_leaves_frees_its_worker(service: Running, text: str) -> None:
    # By the settings: a count taken now would miss a worker that is just being replaced.
    kept = SETTINGS.workers + SETTINGS.long_queries + SETTINGS.token_queries + 1
    assert happens(lambda: len(workers(service)) == kept)
    with at_work(service.supervisor, 2, 0.1):
        sent = [service.send(get(f"{text} # {number}")) for number in range(2)]
    for connection in sent:
        with connection:
            if text == PAIRS:
                assert connection.recv(1000)
    assert works(service)
    assert happens(lambda: len(workers(service)) == kept)


def test_a_client_that_waits_for_a_worker_and_leaves_takes_none(service: Running) -> None:
    with at_work(service.supervisor, 2):
        busy = [service.send(get(f"{ENDLESS}#{number}")) for number in range(2)]
    waiting = [service.send(get(f"{ENDLESS}#{number}")) for number in range(9)]
    time.sleep(0.5)
    for connection in (*waiting, *busy):
        connection.close()
    assert happens(lambda: works(service))


def test_a_reader_that_takes_nothing_is_cut_off_and_holds_no_worker(service: Running) -> None:
    with service.send(get(f"{PAIRS} LIMIT 900000")) as connection:
        assert connection.recv(100)
        assert works(service)
        time.sleep(4)
        with suppress(ConnectionResetError):
            assert not rest(connection).endswith(b"\r\n0\r\n\r\n")


def test_a_reader_that_takes_a_little_all_the_time_is_cut_off(service: Running) -> None:
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(60)
        connection.connect(("127.0.0.1", service.port))
        connection.sendall(get(f"{PAIRS} LIMIT 900000").encode())
        taken, slow_until = 0, time.monotonic() + 8
        with suppress(ConnectionResetError):
            while piece := connection.recv(1 << 14):
                taken += len(piece)
                time.sleep(0.05 if time.monotonic() < slow_until else 0)
        assert 0 < taken < 20_000_000, "all of it is 28 MB"


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="the kernel has no such clock")
def test_a_reader_that_takes_nothing_of_a_small_answer_is_cut_off_too(service: Running) -> None:
    assert works(service)  # the deadline is set with the first request
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(30)
        connection.connect(("127.0.0.1", service.port))
        connection.sendall(get(f"{PAIRS} LIMIT 20000").encode())
        first = connection.recv(1000)
        assert b"content-length: 613346\r\n" in first.lower()
        time.sleep(5)
        with pytest.raises(ConnectionResetError):
            rest(connection)


def test_a_body_that_does_not_come_is_refused(service: Running) -> None:
    head = "POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Type: application/sparql-query\r\n"
    for length in (100, 200_000):
        with service.send(f"{head}Content-Length: {length}\r\n\r\nASK") as connection:
            answer = connection.recv(4096)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"body-seconds" in answer


def test_slow_connections_do_not_stop_the_rest(service: Running) -> None:
    head = "POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Type: application/sparql-query\r\n"
    slow = [service.send(f"{head}Content-Length: 999\r\n\r\nA") for _ in range(90)]
    slow += [service.send("GET /sparql?query=ASK HTTP/1.1\r\nHost") for _ in range(90)]
    slow += [service.send(get(f"{PAIRS} LIMIT 90000 # {number}")) for number in range(20)]
    try:
        for _ in range(20):
            assert works(service)
    finally:
        for connection in slow:
            connection.close()
    assert happens(lambda: works(service))
