"""What the event loop answers is what the application answers."""

import asyncio
import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from coprod_kg.access import Private
from coprod_kg.server.fast_lookup import FastLookup
from coprod_kg.server.request import Head, read_head
from coprod_kg.settings import Settings
from coprod_kg.store.base import Cancellation, Query
from coprod_kg.store.worker_client import PendingQuery
from coprod_kg.web import create_app
from coprod_kg.web.request_log import RequestLog
from tests.web.service import Running, running

ONE = "SELECT ?o WHERE { <urn:thing:7> ?p ?o }"
NO_LOOKUP = "SELECT ?o WHERE { <urn:thing:7> ?p ?o FILTER(?o != 0) }"
LONG = """SELECT (COUNT(*) AS ?n) WHERE {
  ?a <urn:p> ?x . ?b <urn:p> ?y FILTER(?x < "000300" && STRLEN(CONCAT(?x, ?y)) > 1)
}"""
HOPELESS = "SELECT (COUNT(*) AS ?n) WHERE { ?a ?p ?x . ?b ?q ?y . ?c ?r ?z }"
TABLE = ("application/sparql-results+json",)
PATIENCE = 60

OTHER_ROAD = {"Content-Length": "0"}
"""What takes a request to the application, where it changes nothing."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    settings = Settings(web_workers=1, query_seconds=60)
    with running(tmp_path_factory.mktemp("short"), settings) as found:
        yield found


def get(
    service: Running, address: str, headers: dict[str, str]
) -> tuple[int, list[tuple[str, str]], bytes]:
    """Status, headers that do not depend on the moment, and body."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=PATIENCE)
    with closing(connection):
        connection.request("GET", address, headers=headers)
        answer = connection.getresponse()
        passing = ("date", "cache-status", "server")
        named = ((name.lower(), value) for name, value in answer.getheaders())
        return answer.status, sorted(one for one in named if one[0] not in passing), answer.read()


def asked(text: str, more: str = "") -> str:
    return f"/sparql?query={quote(text)}{more}"


@pytest.mark.parametrize(
    "address",
    [
        asked(ONE),
        asked(ONE, "&format=csv"),
        asked(ONE, "&format=xml&output=xml"),
        asked(ONE, "&version=1"),
        asked(ONE, "&version=99"),
        asked(ONE, "&timeout=5"),
        asked(ONE, "&timeout=never"),
        asked(ONE, "&format=nonsense"),
        asked(ONE, "&default-graph-uri=https%3A%2F%2Fw3id.org%2Fcoprod%2Fgraph%2Fnone"),
        asked(ONE, "&default-graph-uri=none"),
        asked(ONE, f"&query={quote(ONE)}"),
        asked(ONE, "&update=CLEAR%20ALL"),
        asked("SELECT ?s WHERE { <urn:nothing> ?p ?s }"),
        asked("ASK {}"),
        asked("CONSTRUCT WHERE { <urn:thing:7> ?p ?o }"),
        asked("SELECT (RAND() > 2 AS ?no) {}"),
        asked("SELECT * WHERE { ?s ?p ?o } LIMIT 2500"),
        asked("SELECT ?a WHERE { ?s ?p ?a . ?t ?q ?b } LIMIT 200000"),
        asked("SELECT * WHERE {"),
        asked("SELECT * WHERE { a:b ?p ?o }"),
        asked("SELECT * WHERE { SERVICE <http://127.0.0.1/> { ?s ?p ?o } }"),
        asked(f"SELECT ?o FROM <urn:no> WHERE {{ <urn:thing:7> ?p ?o }} # {'x' * 20}"),
        asked("ASK { FILTER " + "(" * 2000 + "1" + ")" * 2000 + " }"),
        asked("SELECT ?s { ?s ?p ?o FILTER NOT EXISTS { ?s <urn:q> ?o } } ORDER BY ?s LIMIT 3"),
        "/sparql?query=%FF",
        "/sparql?query=",
        "/sparql",
    ],
)
def test_a_plain_request_is_answered_as_by_the_application(service: Running, address: str) -> None:
    for headers in ({"Accept": "application/sparql-results+json"}, {"Accept": "text/csv;q=0.5"}):
        longer = get(service, address, {**headers, **OTHER_ROAD})
        assert get(service, address, headers) == longer


@pytest.mark.parametrize("private", [False, True])
def test_tokens_and_conditions_mean_the_same_to_both(service: Running, private: bool) -> None:
    Private(service.store._settings.data).mark("test", private=private)
    tokens = [None, f"Bearer {service.contributor}", f"Bearer {service.curator}", "Bearer no", "x"]
    bodies = set()
    for token in tokens:
        sent = {"Accept": TABLE[0]} | ({"Authorization": token} if token else {})
        status, headers, body = get(service, asked(ONE), sent)
        assert (status, headers, body) == get(service, asked(ONE), {**sent, **OTHER_ROAD})
        bodies.add(body)
        tag = dict(headers).get("etag", '"none"')
        for held in (tag, f'"other", {tag}', '"other"', "*", ""):
            conditional = {**sent, "If-None-Match": held}
            quick = get(service, asked(ONE), conditional)
            assert quick == get(service, asked(ONE), {**conditional, **OTHER_ROAD})
            if status == 200 and tag in held:
                assert (quick[0], quick[2]) == (304, b"")
    assert len(bodies) == (4 if private else 3), "what a token shows, and two refusals"
    Private(service.store._settings.data).mark("test", private=False)


def test_a_request_that_accepts_anything_is_answered_as_by_the_application(
    service: Running,
) -> None:
    assert get(service, asked(ONE), {}) == get(service, asked(ONE), OTHER_ROAD)


def got(address: str, **headers: str) -> Head:
    """A GET as the server hands it over."""
    path, _, query_string = address.encode().partition(b"?")
    given = {"host": "x"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return read_head(
        {
            "method": "GET",
            "http_version": "1.1",
            "scheme": "http",
            "server": ("127.0.0.1", 80),
            "path": path.decode(),
            "raw_path": path,
            "query_string": query_string,
            "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        }
    )


def test_only_a_plain_lookup_takes_the_short_road(service: Running) -> None:
    settings = replace(Settings(), data=service.store._settings.data)
    site = create_app(service.store, settings).config["SITE"]

    async def taken(*heads: Head) -> list[bool]:
        quick, found = FastLookup(site, service.store), []
        for head in heads:
            exchange = RequestLog(head.method, head.path)
            found.append(await quick.answer(head, exchange) is not None)
            if exchange.pending is not None:
                exchange.pending.close()
        return found

    plain = [
        got(asked(ONE), accept=TABLE[0]),
        got(asked(ONE), accept=TABLE[0]),
        got(asked(ONE, "&format=csv")),
        got(asked("ASK {}", "&version=1")),
        got(asked(ONE), if_none_match='"never"'),
        got(asked(ONE), authorization=f"Bearer {service.contributor}"),
    ]
    assert asyncio.run(taken(*plain)) == [True] * 6
    other = [
        got(asked(ONE), accept="text/html"),
        got(asked(ONE), authorization="Bearer x"),
        got(asked("SELECT * WHERE {")),
        got(asked("SELECT * WHERE { ?s ?p ?o }")),
        got(asked("ASK { SERVICE <urn:a> {} }")),
        got(asked("ASK { ?s ?p ?o FILTER NOT EXISTS { ?s ?p 1 } }")),
        got(asked(f"{ONE} # {'x' * 10_000}")),
        got("/sparql"),
        got("/queries"),
    ]
    assert asyncio.run(taken(*other)) == [False] * 9


def test_a_page_is_made_by_the_application(service: Running) -> None:
    status, headers, body = get(service, asked(ONE), {"Accept": "text/html"})
    assert (status, dict(headers)["content-type"]) == (200, "text/html; charset=utf-8")
    assert b"<table" in body


def test_what_is_asked_twice_comes_from_the_cache(service: Running) -> None:
    text = f"{ONE} # twice"
    with closing(http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)) as connection:
        said = []
        for _ in range(2):
            connection.request("GET", asked(text), headers={"Accept": TABLE[0]})
            answer = connection.getresponse()
            said.append((answer.getheader("Cache-Status"), answer.read()))
    assert [one for one, _ in said] == ["coprod-kg; fwd=miss", "coprod-kg; hit"]
    assert said[0][1] == said[1][1]


def test_a_query_that_takes_longer_is_answered_too_and_lookups_do_not_wait_for_it(
    service: Running,
) -> None:
    found: list[tuple[int, bytes]] = []

    def ask() -> None:
        status, _, body = get(service, asked(LONG), {"Accept": TABLE[0]})
        found.append((status, body))

    thread = threading.Thread(target=ask)
    thread.start()
    before = 0
    while thread.is_alive():
        status, _, _ = get(service, asked(f"{ONE} # {before}"), {"Accept": TABLE[0]})
        assert status == 200
        before += 1
    thread.join()
    status, body = found[0]
    assert status == 200
    assert json.loads(body)["results"]["bindings"][0]["n"]["value"] == str(300 * 3000)


def test_a_client_has_as_many_queries_at_work_as_it_may_until_it_leaves(tmp_path: Path) -> None:
    settings = Settings(web_workers=1, client_queries=1, queue_seconds=0.2)
    with running(tmp_path, settings) as service:
        with closing(service.send(f"GET {asked(HOPELESS)} HTTP/1.1\r\nHost: a\r\n\r\n")):
            deadline = time.monotonic() + PATIENCE
            while (
                get(service, asked(f"{NO_LOOKUP} # {time.time()}"), {"Accept": TABLE[0]})[0] != 429
            ):
                assert time.monotonic() < deadline, "the limit was not kept"
        while get(service, asked(f"{NO_LOOKUP} # {time.time()}"), {"Accept": TABLE[0]})[0] != 200:
            assert time.monotonic() < deadline, "the place was not given back"


def test_private_data_is_not_seen_on_the_short_road(tmp_path: Path) -> None:
    with running(tmp_path, Settings(web_workers=1)) as service:
        before = get(service, asked(ONE), {"Accept": TABLE[0]})
        Private(tmp_path).mark("test")
        after = get(service, asked(ONE), {"Accept": TABLE[0]})
        longer = get(service, asked(ONE), {"Accept": TABLE[0], **OTHER_ROAD})
    assert len(json.loads(before[2])["results"]["bindings"]) == 1
    assert json.loads(after[2])["results"]["bindings"] == []
    assert after == longer


def test_nobody_reads_on_the_short_road_where_reading_takes_a_token(tmp_path: Path) -> None:
    with running(tmp_path, Settings(web_workers=1, read_access="token")) as service:
        assert get(service, asked(ONE), {"Accept": TABLE[0]})[0] == 401
        token = {"Authorization": f"Bearer {service.contributor}"}
        assert get(service, asked(ONE), {"Accept": TABLE[0], **token})[0] == 200


def test_an_answer_can_be_waited_for_after_it_was_looked_for(service: Running) -> None:
    run, settings = Path(service.store._run), service.store._settings
    asking = PendingQuery(run, Query(LONG, TABLE, cancellation=Cancellation()), settings)
    assert asking.poll() is None
    assert b"900000" in asking.answer().read()
