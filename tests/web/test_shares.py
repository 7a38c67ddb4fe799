"""No stranger stops the house: queries, checks and downloads beside greedy and slow clients."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from coprod_kg.settings import Settings
from coprod_kg.web.client_slots import Limits, client, slots
from tests.test_submitting import PREFIXES, initiative, organisation, town
from tests.web.service import Running, running
from tests.working import happens

PAIRS = "SELECT ?a ?b { ?a <urn:p> ?x . ?b <urn:p> ?y }"
ENDLESS = (
    "SELECT (COUNT(*) AS ?n) { ?a <urn:p> ?x . ?b <urn:p> ?y . ?c <urn:p> ?z . ?d <urn:p> ?q }"
)
SETTINGS = Settings(
    data=Path("nowhere"),
    web_workers=2,
    query_seconds=300,
    queue_seconds=120,
    submission_seconds=600,
    open_check_seconds=600,
    queue_check_seconds=600,
    reader_seconds=600,
    reader_rate=1,
)
"""Deadlines that no busy machine passes by accident."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("shares") / "data", SETTINGS) as found:
        yield found


def target(text: str) -> str:
    return f"/sparql?query={quote(text)}"


def say(
    service: Running,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, http.client.HTTPMessage, bytes]:
    """One request from this machine's usual address, with all of its answer."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=600)
    connection.request(method, path, body, headers or {})
    response = connection.getresponse()
    found = response.status, response.headers, response.read()
    connection.close()
    return found


@contextmanager
def asking(service: Running, address: str, text: str) -> Iterator[socket.socket]:
    """A query from another address of this machine, under way."""
    with socket.socket() as connection:
        connection.bind((address, 0))
        connection.settimeout(120)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", service.port))
        head = "Host: x\r\nAccept: text/tab-separated-values\r\nConnection: close"
        connection.sendall(f"GET {target(text)} HTTP/1.1\r\n{head}\r\n\r\n".encode())
        yield connection


def large(name: str, count: int = 150) -> bytes:
    """A file whose check takes a while."""
    things = [initiative(f"{name}-{number}", name) for number in range(count)]
    return "".join((PREFIXES, organisation(name), *things)).encode()


def bearer(secret: str) -> str:
    return f"Bearer {secret}"


def test_nine_slow_readers_of_three_addresses_stop_no_query_of_another(service: Running) -> None:
    with ExitStack() as stack:
        for number in range(9):
            address = f"127.0.0.{2 + number // 3}"
            text = f"{PAIRS} LIMIT 5000000 # {number}"
            slow = stack.enter_context(asking(service, address, text))
            if number % 3 == 0:
                assert slow.recv(1), "the first one of an address is under way"
        for number in range(5):
            status, headers, _ = say(service, "GET", target(f"ASK {{ ?s ?p ?o }} # {number}"))
            assert (status, headers["Content-Type"]) == (200, "application/sparql-results+json")


def test_when_strangers_have_all_places_a_token_still_has_one(service: Running) -> None:
    places = SETTINGS.workers + SETTINGS.long_queries
    table = slots(service.store._run, Limits.queries(SETTINGS))
    assert happens(lambda: table.numbers() == (0, 0, 0))
    with ExitStack() as stack:
        for number in range(places):
            stack.enter_context(asking(service, f"127.0.1.{number + 1}", f"{ENDLESS} # {number}"))
        assert happens(lambda: table.numbers() == (places, 0, 0))
        impatient = stack.enter_context(asking(service, "127.0.2.1", "ASK { ?s <urn:q> ?o }"))
        impatient.settimeout(3)
        with pytest.raises(TimeoutError):
            impatient.recv(1)
        sent = {"Authorization": bearer(service.curator)}
        assert say(service, "GET", target("ASK { ?s <urn:r> ?o }"), headers=sent)[0] == 200
        sent |= {"Content-Type": "text/turtle"}
        assert say(service, "POST", "/submissions", town().content, headers=sent)[0] == 201


def test_four_heavy_checks_of_strangers_leave_a_curator_a_place(service: Running) -> None:
    ended = list[int]()

    def check(number: int) -> None:
        path = f"/submissions?dry_run=1&name={number}.ttl"
        with suppress(OSError, http.client.HTTPException):
            ended.append(say(service, "POST", path, large(f"town-{number}"))[0])

    threads = [threading.Thread(target=check, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    sent = {"Authorization": bearer(service.curator), "Content-Type": "text/turtle"}
    status, _, body = say(
        service, "POST", "/submissions", town().content + b"# again", headers=sent
    )
    waiting = len(ended) < 4
    for thread in threads:
        thread.join()
    assert status == 201, body
    assert waiting, "the checks were too fast to show anything"
    assert ended == [200] * 4, "they waited for one another"


def test_eight_checks_at_once_wait_for_one_another(service: Running) -> None:
    sent = {"Authorization": bearer(service.curator), "Content-Type": "text/turtle"}

    def check(number: int) -> int:
        content = large(f"city-{number}", 3)
        return say(service, "POST", "/submissions?dry_run=1", content, headers=sent)[0]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(check, range(8))) == [200] * 8


def test_a_reader_slower_than_the_deadline_of_its_query_gets_all(tmp_path: Path) -> None:
    settings = replace(SETTINGS, workers=1, long_queries=0, token_queries=0, query_seconds=10)
    with running(tmp_path / "data", settings) as service:
        with asking(service, "127.0.0.2", f"{PAIRS} LIMIT 200000") as slow:
            response = http.client.HTTPResponse(slow)
            response.begin()
            received = response.read(1000)
            # The only worker is released: the answer is computed, and hardly read.
            assert say(service, "GET", target("ASK { ?s ?p ?o }"))[0] == 200
            time.sleep(settings.query_seconds + 1)
            received += response.read()
        assert received.count(b"<urn:thing:") == 400_000


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    settings = replace(
        SETTINGS, web_workers=1, workers=1, long_queries=0, open_check_mb=1, open_check_seconds=0.05
    )
    with running(tmp_path_factory.mktemp("strict") / "data", settings) as found:
        yield found


@pytest.mark.parametrize("chunked", [False, True])
def test_a_stranger_checks_no_file_over_a_size(strict: Running, chunked: bool) -> None:
    content = town().content + b"#" * (1 << 20)
    path = "/submissions?dry_run=1&name=town.ttl"
    connection = http.client.HTTPConnection("127.0.0.1", strict.port, timeout=600)
    body = iter((content,)) if chunked else content
    connection.request("POST", path, body, encode_chunked=chunked)
    response = connection.getresponse()
    problem = json.loads(response.read())
    connection.close()
    assert response.status == 413
    assert "open-check-mb" in problem["fix"]
    sent = {"Authorization": bearer(strict.curator)}
    assert say(strict, "POST", path, content, headers=sent)[0] == 200


def test_a_stranger_checks_nothing_over_a_time(strict: Running) -> None:
    path = "/submissions?dry_run=1&name=town.ttl"
    accept = {"Accept": "application/json"}
    status, _, body = say(strict, "POST", path, large("town"), accept)
    told = json.loads(body)["files"][0]["error"]
    assert (status, told["kind"]) == (503, "LimitReached")
    assert "without a token" in told["what"]
    assert "open-check-seconds" in told["fix"]
    sent = {"Authorization": bearer(strict.curator)}
    assert say(strict, "POST", path, large("town"), {**sent, **accept})[0] == 200


def test_without_room_on_disk_a_reader_has_the_time_of_the_query(tmp_path: Path) -> None:
    settings = replace(
        SETTINGS,
        web_workers=1,
        workers=1,
        long_queries=0,
        token_queries=0,
        query_seconds=15,
        spool_mb=1,
    )
    query = f"{PAIRS} LIMIT 800000"
    with running(tmp_path / "data", settings) as service:
        with asking(service, "127.0.0.2", query) as reader:
            response = http.client.HTTPResponse(reader)
            response.begin()
            assert response.read().count(b"<urn:thing:") == 1_600_000, "one that keeps up gets all"
        with asking(service, "127.0.0.2", query) as slow:
            response = http.client.HTTPResponse(slow)
            response.begin()
            assert response.read(1000)
            # Whoever does not read holds the worker until the deadline, and no longer.
            assert say(service, "GET", target("ASK { ?s ?p ?o }"))[0] == 200
            with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
                response.read()


def test_marking_and_comparing_take_a_place_as_a_check_does(tmp_path: Path) -> None:
    settings = replace(SETTINGS, web_workers=1, checks=1, token_checks=0, queue_check_seconds=0.5)
    with running(tmp_path / "data", settings) as service:
        sent = {"Authorization": bearer(service.curator), "Content-Type": "text/turtle"}
        status, headers, _ = say(service, "POST", "/submissions", town().content, sent)
        assert status == 201
        report = headers["Location"]
        held = slots(service.store._run, Limits.checks(settings)).take_at_once(client("192.0.2.1"))
        for path in (report, f"{report}/changes"):
            status, headers, _ = say(service, "GET", path, headers={"Accept": "text/html"})
            assert (status, headers["Retry-After"]) == (429, "30"), path
        assert say(service, "GET", report, headers={"Accept": "application/json"})[0] == 200
        held.give_back()
        assert say(service, "GET", report, headers={"Accept": "text/html"})[0] == 200


def test_charts_and_workbooks_of_strangers_leave_a_place_for_tokens(tmp_path: Path) -> None:
    settings = replace(SETTINGS, web_workers=1, charts=1, queue_seconds=0.5)
    with running(tmp_path / "data", settings) as service:
        table = slots(service.store._run, Limits.charts(settings))
        held = table.take_at_once(client("192.0.2.1"))
        for ending in ("xlsx", "svg", "crate.zip"):
            path = f"/queries/initiatives-by-stage.{ending}"
            status, headers, _ = say(service, "GET", path)
            assert (status, headers["Retry-After"]) == (429, "5"), ending
            sent = {"Authorization": bearer(service.curator)}
            assert say(service, "GET", path, headers=sent)[0] == 200, ending
        assert say(service, "GET", "/queries/initiatives-by-stage.csv")[0] == 200
        held.give_back()
        assert say(service, "GET", "/queries/initiatives-by-stage.xlsx")[0] == 200
