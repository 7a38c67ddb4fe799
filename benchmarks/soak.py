"""Fifty clients, good and hostile, for half an hour; it never forgives a wrong answer.

Each good answer is compared with what the engine says of the same data in this process. Memory,
threads, file handles and snapshots of the long-lived processes are watched. It ends with a
verdict, and with 1 where something leaked or an answer was wrong.

    python benchmarks/soak.py --work FOLDER [--minutes 30] [--initiatives 400]

Every client has a loopback address of its own, as clients have.
"""

import argparse
import http.client
import json
import multiprocessing
import random
import socket
import statistics
import sys
import threading
import time
import urllib.parse
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

import pyoxigraph as ox

from benchmarks import generate, servers, service
from benchmarks.watching import Watch
from coprod_kg.catalogue.queries import load
from coprod_kg.settings import Settings
from coprod_kg.store.base import Change
from coprod_kg.store.directory import DataDirectory
from coprod_kg.store.local import LocalStore
from coprod_kg.store.snapshots import Snapshots

__all__ = ["main"]

_CLIENTS = 50
_PROCESSES = 5
_PROBES_A_SECOND = 5
_PAUSE_SECONDS = 1.0
_AIM_MS = 250.0
_SETTLE_SECONDS = 8.0
_JSON = "application/sparql-results+json"
_REFUSED = frozenset({429, 503})
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Ask:
    """A good query, and the rows it must have."""

    text: str
    rows: str


def canonical(rows: Sequence[dict[str, Any]]) -> str:
    """Rows as text, in an order of their own."""
    return "\n".join(sorted(json.dumps(one, sort_keys=True) for one in rows))


def expected(data: Path, count: int) -> list[Ask]:
    """Questions with the answers that the engine gives in this process."""
    snapshots = Snapshots(DataDirectory(data).snapshots)
    reader = snapshots.open(snapshots.current())
    texts = [load()[name].bind({}, service.BASE) for name in service.MIX]
    for number in range(0, count, max(1, count // 150)):
        organisation, place = divmod(number, generate.PER_ORGANISATION)
        iri = f"{service.BASE}id/initiative/made-up-{organisation}-{place}"
        texts.append(f"SELECT ?p ?o WHERE {{ <{iri}> ?p ?o }}")
    asks = []
    for text in texts:
        found = reader.store.query(text, use_default_graph_as_union=True)
        written = found.serialize(format=ox.QueryResultsFormat.JSON)  # type: ignore[union-attr]  # all are SELECT
        asks.append(Ask(text, canonical(json.loads(written or b"")["results"]["bindings"])))
    reader.close()
    return asks


class Client:
    """One client with an address of its own."""

    def __init__(self, number: int, port: int, asks: Sequence[Ask], told: Counter[str]) -> None:
        """Ask nothing yet."""
        self._address = (f"127.0.{1 + number // 200}.{2 + number % 200}", 0)
        self._port = port
        self._asks = asks
        self._told = told
        self._chance = random.Random(number)
        self.wrong: list[str] = []

    def once(self) -> None:
        """One request of some kind."""
        kinds: list[tuple[int, Callable[[], None]]] = [
            (77, lambda: self._good(self._asks[len(service.MIX) :])),
            (10, lambda: self._good(self._asks[: len(service.MIX)])),
            (1, self._heavy),
            (8, self._broken),
            (1, self._deep),
            (1, self._leaving),
            (2, self._raw),
        ]
        weights = [weight for weight, _ in kinds]
        [(_, work)] = self._chance.choices(kinds, weights)
        try:
            work()
        except (OSError, http.client.HTTPException) as error:
            self._told[f"connection: {type(error).__name__}"] += 1

    def _request(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, bytes]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection(
            "127.0.0.1", self._port, timeout=60, source_address=self._address
        )
        try:
            connection.request(method, path, body, named)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def _expect(self, kind: str, status: int, wanted: frozenset[int]) -> None:
        self._told[f"{kind}: {status}"] += 1
        if status not in wanted | _REFUSED:
            self.wrong.append(f"{kind} was answered with {status}")

    def _good(self, asks: Sequence[Ask]) -> None:
        ask = self._chance.choice(asks)
        path = f"/sparql?{urllib.parse.urlencode({'query': ask.text})}"
        status, body = self._request("GET", path, Accept=_JSON)
        self._expect("good", status, frozenset({200}))
        if status == 200 and canonical(json.loads(body)["results"]["bindings"]) != ask.rows:
            self.wrong.append(f"other rows than expected for {ask.text[:200]}")

    def _heavy(self) -> None:
        text = self._chance.choice(
            (
                "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }",
                "SELECT * { ?a ?b ?c . ?d ?e ?f } ORDER BY ?a ?f",
                "SELECT (GROUP_CONCAT(CONCAT(STR(?a), STR(?f))) AS ?n) { ?a ?b ?c . ?d ?e ?f }",
            )
        )
        path = f"/sparql?{urllib.parse.urlencode({'query': text, 'timeout': '2'})}"
        status, _ = self._request("GET", path, Accept=_JSON)
        self._expect("heavy", status, frozenset({413, 503, 504}))

    def _broken(self) -> None:
        name, wanted, work = self._chance.choice(
            (
                ("syntax", 400, lambda: self._request("GET", "/sparql?query=SELEC", Accept=_JSON)),
                (
                    "two",
                    400,
                    lambda: self._request("GET", "/sparql?query=ASK%7B%7D&query=ASK%7B%7D"),
                ),
                (
                    "accept",
                    406,
                    lambda: self._request("GET", "/sparql?query=ASK%7B%7D", Accept="a/b"),
                ),
                (
                    "type",
                    415,
                    lambda: self._request("POST", "/sparql", b"ASK {}", Content_Type="a/b"),
                ),
                (
                    "utf-8",
                    400,
                    lambda: self._request("POST", "/sparql", b"query=%ff", Content_Type=_FORM),
                ),
                ("route", 404, lambda: self._request("GET", "/no/such/thing")),
            )
        )
        status, _ = work()
        self._expect(f"broken ({name})", status, frozenset({wanted}))

    def _deep(self) -> None:
        depth = self._chance.choice((6_000, 30_000))
        text = "SELECT * { FILTER(" + "(" * depth + "1" + ")" * depth + ") }"
        kind = "application/sparql-query"
        status, _ = self._request("POST", "/sparql", text.encode(), Content_Type=kind, Accept=_JSON)
        self._expect("hostile (deep)", status, frozenset({400, 413, 422}))

    def _leaving(self) -> None:
        text = urllib.parse.urlencode({"query": "SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"})
        self._send(f"GET /sparql?{text} HTTP/1.1\r\nHost: x\r\n\r\n".encode(), 0.5)

    def _raw(self) -> None:
        self._send(
            self._chance.choice(
                (
                    b"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nquery=",
                    b"GET /sparql HTTP/1.1\r\nHo",
                    b"\x16\x03\x01\x00\xff" + bytes(range(256)),
                    b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-Y: z\r\n" * 20_000 + b"\r\n",
                    b"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
                    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                )
            ),
            1.0,
        )

    def _send(self, data: bytes, seconds: float) -> None:
        """Send bytes, wait a moment, and leave without reading."""
        place = ("127.0.0.1", self._port)
        with socket.create_connection(place, 10, source_address=self._address) as sending:
            sending.sendall(data)
            time.sleep(seconds)
        self._told["hostile (left)"] += 1


def clients(
    first: int, port: int, asks: Sequence[Ask], until: float, told: "Queue[dict[str, Any]]"
) -> None:
    """In a process of its own: some of the clients, each in a thread."""
    counter: Counter[str] = Counter()
    some = [Client(first + one, port, asks, counter) for one in range(_CLIENTS // _PROCESSES)]

    def go_on(client: Client) -> None:
        while time.monotonic() < until:
            client.once()
            time.sleep(2 * _PAUSE_SECONDS * random.random())

    threads = [threading.Thread(target=go_on, args=(one,)) for one in some]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told.put({"told": dict(counter), "wrong": [text for one in some for text in one.wrong]})


def probe(port: int, asks: Sequence[Ask], until: float, told: "Queue[dict[str, Any]]") -> None:
    """In a process of its own: one polite client whose lookups are timed."""
    client = Client(5_000, port, asks, Counter())
    times = []
    while time.monotonic() < until:
        started = time.monotonic()
        client._good(asks[len(service.MIX) :])
        times.append((time.monotonic() - started) * 1000)
        time.sleep(1 / _PROBES_A_SECOND)
    told.put({"times": times, "wrong": client.wrong})


def verdict(found: dict[str, Any], watch: Watch) -> tuple[list[str], list[str]]:
    """The report's lines, and what is wrong."""
    times = sorted(found["times"]) or [0.0]
    p99 = times[int(len(times) * 0.99)]
    aim = "met" if p99 <= _AIM_MS else "missed"
    lines = [
        f"- {len(times)} timed lookups: median {statistics.median(times):.1f} ms, p99 {p99:.1f} ms"
        f" (aim of {_AIM_MS:g} ms {aim})",
        f"- {found['commits']} commits meanwhile",
        "",
        "| kind of request: status | times |",
        "| --- | --- |",
        *(f"| {name} | {number} |" for name, number in sorted(found["told"].items())),
    ]
    faults = watch.faults() + [f"{number} times: {text}" for text, number in found["wrong"].items()]
    return [*lines, "", *watch.table()], faults


def run(
    server: servers.Server, data: Path, given: argparse.Namespace
) -> tuple[list[str], list[str]]:
    """The soak itself."""
    asks = expected(data, given.initiatives)
    port = urllib.parse.urlsplit(server.query).port or 0
    until = time.monotonic() + given.minutes * 60
    told: Queue[dict[str, Any]] = multiprocessing.Queue()
    each = _CLIENTS // _PROCESSES
    children = [
        multiprocessing.Process(target=clients, args=(number * each, port, asks, until, told))
        for number in range(_PROCESSES)
    ]
    children.append(multiprocessing.Process(target=probe, args=(port, asks, until, told)))
    for child in children:
        child.start()
    settings = Settings.load({"data": data})
    store = LocalStore(Path(str(DataDirectory(data.resolve()).holder()["run"])), settings)
    watch, commits = Watch(server.pid, DataDirectory(data).snapshots, settings.keep_versions), 0
    while time.monotonic() < until:
        store.commit(
            Change(replace={"http://example.org/soak": f"<x:s> <x:p> <x:o{commits}> .".encode()})
        )
        commits += 1
        watch.look()
        time.sleep(given.every)
    parts = [told.get(timeout=180) for _ in children]
    for child in children:
        child.join()
    time.sleep(_SETTLE_SECONDS)
    watch.rest()
    found = {
        "told": sum((Counter(one.get("told", {})) for one in parts), Counter()),
        "wrong": sum((Counter(one["wrong"]) for one in parts), Counter()),
        "times": [one for part in parts for one in part.get("times", ())],
        "commits": commits,
    }
    return verdict(found, watch)


def main(arguments: Sequence[str] | None = None) -> None:
    """Soak, and write the report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--work", type=Path, required=True, help="folder for data; kept")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--initiatives", type=int, default=400)
    parser.add_argument("--every", type=float, default=5.0, help="seconds between two commits")
    parser.add_argument("--reports", type=Path, default=Path(__file__).parent / "reports")
    given = parser.parse_args(arguments)
    given.work.mkdir(parents=True, exist_ok=True)
    about = servers.machine()
    data, _ = service.prepare(given.work, given.initiatives)
    with servers.ours(data, given.work / "soak.log", "--query-seconds", "10") as server:
        lines, faults = run(server, data, given)
    day = datetime.now(UTC).date().isoformat()
    ends = [f"- FAULT: {one}" for one in faults] or ["- no leak, no wrong answer"]
    head = ["# Soak", "", f"{given.minutes:g} minutes, {_CLIENTS} clients, {given.initiatives}"]
    head[-1] += f" initiatives, {day}"
    text = "\n".join([*head, "", *(f"- {k}: {v}" for k, v in about.items()), *lines, "", *ends])
    given.reports.mkdir(parents=True, exist_ok=True)
    (given.reports / f"soak-{day}.md").write_text(text + "\n", encoding="utf-8")
    print(text)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
