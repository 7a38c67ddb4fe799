"""What operators rely on: limits, numbers, the log, access, stopping; over the whole service."""

import http.client
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread
from urllib.parse import quote

import pytest

from coprod_kg.access import Role, Tokens
from coprod_kg.settings import Settings
from coprod_kg.web import create_app
from tests.memory_store import MemoryStore
from tests.web.service import Running, running
from tests.working import at_work

SLOW = "SELECT (COUNT(*) AS ?n) { ?a <urn:p> ?x . ?b <urn:p> ?y }"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    settings = Settings(
        web_workers=2, workers=3, client_queries=1, queue_seconds=1, trust_proxies=("127.0.0.1",)
    )
    with running(tmp_path_factory.mktemp("operating") / "data", settings) as found:
        yield found


def ask(
    service: Running, target: str, **headers: str
) -> tuple[int, bytes, http.client.HTTPMessage]:
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
    connection.request("GET", target, headers={k.replace("_", "-"): v for k, v in headers.items()})
    response = connection.getresponse()
    found = (response.status, response.read(), response.headers)
    connection.close()
    return found


def test_numbers_are_added_up_over_the_web_processes(service: Running) -> None:
    for _ in range(20):
        assert ask(service, "/healthz")[0] == 200
    status, body, headers = ask(service, "/metrics")
    assert status == 200
    assert headers["Content-Type"].startswith("text/plain")
    wanted = 'coprod_requests_total{method="GET",outcome="ok",route="/healthz",status="200"} '
    line = next(one for one in body.decode().splitlines() if one.startswith(wanted))
    assert float(line.removeprefix(wanted)) >= 20


def test_a_client_has_so_many_queries_at_work_and_others_go_on(service: Running) -> None:
    endless = f"{SLOW[:-1]}. ?c <urn:p> ?z }}"
    busy = (
        f"GET /sparql?query={quote(endless)} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 10.0.0.1\r\n"
    )
    target = f"/sparql?query={quote('ASK {}')}"
    with at_work(service.supervisor):
        sent = service.send(f"{busy}X-Forwarded-For: 10.0.0.1\r\n\r\n")
    with sent:
        status, body, headers = ask(service, target, X_Forwarded_For="10.0.0.1")
        assert status == 429
        assert b"client-queries" in body
        assert headers["Retry-After"]
        assert headers["Access-Control-Allow-Origin"] == "*"
        assert ask(service, target, X_Forwarded_For="10.0.0.2")[0] == 200
        other = f"/sparql?query={quote('ASK { }')}"  # what is kept takes no query
        assert ask(service, other, X_Forwarded_For="10.0.0.2, 10.0.0.1")[0] == 429


def test_a_prefix_that_is_not_declared_is_named_with_its_place(service: Running) -> None:
    text = "PREFIX a: <urn:a>\nSELECT * {\n  ?s a:x ?o ; nope:y ?z }"
    status, body, _ = ask(service, f"/sparql?query={quote(text)}")
    document = json.loads(body)
    assert (status, document["where"]) == (400, "line 3, column 15")
    assert "nope:" in document["detail"]


def test_a_request_is_one_line_of_the_log_without_its_text_and_token(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with running(tmp_path / "data", Settings(web_workers=1, workers=1), things=3) as service:
        text = "SELECT ('a secret' AS ?x) {}"
        target = f"/sparql?query={quote(text)}"
        assert ask(service, target, Authorization=f"Bearer {service.curator}")[0] == 200
        curator = service.curator
    logged = capfd.readouterr().err
    lines = [json.loads(one) for one in logged.splitlines() if one.startswith('{"time"')]
    line = next(one for one in lines if one["path"] == "/sparql")
    assert (line["status"], line["outcome"], line["version"]) == (200, "ok", 1)
    assert len(line["query"]) == 16
    assert line["bytes"] > 0
    assert "secret" not in logged
    assert curator not in logged


def test_reading_can_take_a_token(tmp_path: Path) -> None:
    settings = Settings(web_workers=1, workers=1, read_access="token")
    with running(tmp_path / "data", settings, things=3) as service:
        target = f"/sparql?query={quote('ASK {}')}"
        for path in (target, "/", "/queries", "/data?default"):
            status, _, headers = ask(service, path)
            assert status == 401
            assert headers["WWW-Authenticate"].startswith("Bearer")
        assert ask(service, "/healthz")[0] == 200
        token = f"Bearer {service.contributor}"
        status, _, headers = ask(service, target, Authorization=token)
        assert status == 200
        assert headers["Cache-Control"].startswith("private")


@pytest.mark.parametrize(
    ("reading", "numbers", "status"),
    [
        ("open", "reading", 200),
        ("open", "token", 401),
        ("token", "reading", 401),
        ("token", "open", 200),
        ("token", "token", 401),
    ],
)
def test_the_numbers_are_as_open_as_the_settings_say(
    tmp_path: Path, reading: str, numbers: str, status: int
) -> None:
    token = Tokens(tmp_path).create("monitoring", Role.CURATOR)
    settings = Settings(data=tmp_path, read_access=reading, metrics_access=numbers)
    client = create_app(MemoryStore(), settings).test_client()
    for path in ("/metrics/", "/%6Detrics", "/metrics?x=/healthz"):
        assert client.get(path).status_code in (status, 308, 404)
    assert client.get("/metrics").status_code == status
    headers = {"Authorization": f"Bearer {token}"}
    assert client.get("/metrics", headers=headers).status_code == 200
    assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize("path", ["/queries", "/queries/claims-by-basis.rq", "/sparql?query=ASK{}"])
def test_no_shared_cache_keeps_what_takes_a_token_to_read(tmp_path: Path, path: str) -> None:
    token = Tokens(tmp_path).create("reader", Role.CURATOR)
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    for reading, word in (("token", "private"), ("open", "public")):
        client = create_app(MemoryStore(), Settings(data=tmp_path, read_access=reading))
        answer = client.test_client().get(path, headers=headers)
        assert answer.status_code == 200
        assert word in answer.headers["Cache-Control"], answer.headers


def test_a_request_under_way_is_answered_when_the_service_stops(tmp_path: Path) -> None:
    answers = []

    def slow(service: Running) -> None:
        with suppress(OSError, http.client.HTTPException):
            answers.append(ask(service, f"/sparql?query={quote(SLOW)}")[0])

    patient = Settings(web_workers=1, workers=1, query_seconds=60, stop_seconds=60)
    with running(tmp_path / "data", patient, 6000) as service:
        thread = Thread(target=slow, args=(service,))
        with at_work(service.supervisor, seconds=0.05):
            thread.start()
        waited = not answers
    thread.join()
    assert answers == [200]
    assert waited, "the query was too fast to show anything"
