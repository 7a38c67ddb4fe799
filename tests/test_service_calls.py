"""SERVICE: what an endpoint does is told as that, within its own time, and SILENT goes on."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from coprod_kg.errors import QueryRefused, ServiceFailed
from coprod_kg.queries.ask import ask
from coprod_kg.settings import Settings
from coprod_kg.store.base import Change, Query
from coprod_kg.store.local import LocalStore, serving
from coprod_kg.updates import update

JSON = "application/sparql-results+json"
ROW = {"s": {"type": "uri", "value": "urn:there"}}
GOOD = json.dumps({"head": {"vars": ["s"]}, "results": {"bindings": [ROW]}}).encode()
BAD_IRI = json.dumps(
    {"head": {"vars": ["s"]}, "results": {"bindings": [ROW, {"s": {"type": "uri", "value": " "}}]}}
).encode()
HERE = threading.Event()
"""Set when an endpoint that does not answer may go."""


class Endpoint(BaseHTTPRequestHandler):
    """An endpoint that does what its path says."""

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["Content-Length"]))
        assert b"SELECT" in asked
        kind, data, status = JSON, GOOD, 200
        match self.path:
            case "/silence":
                HERE.wait(60)
            case "/moved":
                status = 307
            case "/broken":
                status = 500
            case "/page":
                kind, data = "text/html", b"<p>Welcome"
            case "/cut":
                data = GOOD[:-20]
            case "/nonsense":
                data = BAD_IRI
            case "/truth":
                data = b'{"head":{},"boolean":true}'
        self.send_response(status)
        self.send_header("Location", "/good")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        with suppress(ConnectionError):  # whoever called has waited long enough
            if self.path == "/shorter":
                self.wfile.write(data[:9])
            elif self.path == "/trickle":
                for byte in data:
                    self.wfile.write(bytes([byte]))
                    time.sleep(0.2)
            else:
                self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


PATHS = {
    "silence": "did not answer within 2 seconds",
    "trickle": "did not answer within 2 seconds",
    "moved": "answered with status 307 and leads to /good, which is not followed",
    "broken": "answered with status 500",
    "page": "answered with text/html, which holds no rows",
    "cut": "answered with rows that cannot be read",
    "nonsense": "answered with rows that cannot be read",
    "truth": "answered with a truth value",
    "shorter": "broke off",
}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Endpoint) as server:
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        HERE.set()
        server.shutdown()


@pytest.fixture(scope="module")
def asked(
    address: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[LocalStore, Settings]]:
    allowed = tuple(f"{address}/{path}" for path in (*PATHS, "good"))
    away = "http://127.0.0.1:9999/away"
    settings = Settings(
        data=tmp_path_factory.mktemp("service"),
        workers=1,
        service_seconds=2.0,
        service_allow=(*allowed, away),
    )
    with serving(settings) as service:
        service.store.commit(Change(replace={"urn:g": b"<urn:a> <urn:p> <urn:o> .\n"}))
        yield service.store, settings


def rows(asked: tuple[LocalStore, Settings], text: str) -> list[str]:
    store, settings = asked
    answer = ask(store, Query(text, ("text/csv",), seconds=20.0), settings)
    return answer.read().decode().splitlines()[1:]


def test_an_endpoint_that_answers_is_joined(
    asked: tuple[LocalStore, Settings], address: str
) -> None:
    text = f"SELECT ?o ?s {{ <urn:a> <urn:p> ?o SERVICE <{address}/good> {{ ?s a ?c }} }}"
    assert rows(asked, text) == ["urn:o,urn:there"]


@pytest.mark.parametrize("path", PATHS)
def test_what_an_endpoint_does_is_told_as_that(
    asked: tuple[LocalStore, Settings], address: str, path: str
) -> None:
    with pytest.raises(ServiceFailed) as caught:
        rows(asked, f"SELECT * {{ ?x <urn:p> ?y SERVICE <{address}/{path}> {{ ?s a ?c }} }}")
    assert (caught.value.status, f"<{address}/{path}>" in caught.value.what) == (502, True)
    assert PATHS[path] in caught.value.what


@pytest.mark.parametrize("path", PATHS)
def test_silent_goes_on_with_one_empty_solution(
    asked: tuple[LocalStore, Settings], address: str, path: str
) -> None:
    text = f"SELECT ?y ?s {{ ?x <urn:p> ?y SERVICE SILENT <{address}/{path}> {{ ?s a ?c }} }}"
    assert rows(asked, text) == ["urn:o,"]


def test_an_endpoint_that_is_away_is_named(asked: tuple[LocalStore, Settings]) -> None:
    with pytest.raises(ServiceFailed, match="away> cannot be reached"):
        rows(asked, "SELECT * { SERVICE <http://127.0.0.1:9999/away> { ?s ?p ?o } }")


def test_silence_that_was_asked_for_is_not_told_for_another_fault(
    asked: tuple[LocalStore, Settings], address: str
) -> None:
    silent = f"SERVICE SILENT <{address}/page> {{ ?s a ?c }}"
    with pytest.raises(ServiceFailed, match="/broken"):
        rows(asked, f"SELECT * {{ {silent} SERVICE <{address}/broken> {{ ?s a ?d }} }}")


def test_an_update_calls_in_the_same_way(asked: tuple[LocalStore, Settings], address: str) -> None:
    store, settings = asked
    text = "INSERT {{ GRAPH <urn:h> {{ ?s <urn:q> 1 }} }} WHERE {{ SERVICE {} {{ ?s a ?c }} }}"
    update(store, text.format(f"<{address}/good>"), "curator", settings)
    assert rows(asked, "SELECT ?s { GRAPH <urn:h> { ?s ?p ?o } }") == ["urn:there"]
    before = store.version()
    with pytest.raises(ServiceFailed, match="status 500"):
        update(store, text.format(f"<{address}/broken>"), "curator", settings)
    assert store.version() == before


def test_what_may_not_be_called_is_refused_or_silent(
    asked: tuple[LocalStore, Settings], address: str
) -> None:
    store, settings = asked
    elsewhere = f"SERVICE <{address}/elsewhere> {{ ?s a ?c }}"
    with pytest.raises(QueryRefused) as caught:
        rows(asked, f"SELECT * {{ {elsewhere} }}")
    assert caught.value.status == 403
    silent = elsewhere.replace("SERVICE", "SERVICE SILENT")
    assert rows(asked, f"SELECT ?y {{ ?x <urn:p> ?y {silent} }}") == ["urn:o"]
    load = f"LOAD SILENT <{address}/good> INTO GRAPH <urn:loaded>"
    update(store, load, "curator", settings)
    assert rows(asked, "SELECT ?s { GRAPH <urn:loaded> { ?s ?p ?o } }") == []
    with pytest.raises(QueryRefused):
        update(store, load.replace("SILENT ", ""), "curator", settings)
