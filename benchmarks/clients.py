"""The clients of the soak: good, heavy, broken and hostile ones; they never judge the service."""

import http.client
import json
import random
import socket
import threading
import time
import urllib.parse
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.queues import Queue
from typing import Any

from benchmarks import service

__all__ = ["Ask", "Client", "canonical", "clients", "probe"]

_PROBES_A_SECOND = 5
_PAUSE_SECONDS = 1.0
_SLOW_SECONDS = 15.0
_JSON = "application/sparql-results+json"
_REFUSED = frozenset({429, 503})
_FORM = "application/x-www-form-urlencoded"


_ASK = "/sparql?query=ASK%7B%7D"
_BROKEN: tuple[tuple[str, int, str, str, bytes | None, dict[str, str]], ...] = (
    ("syntax", 400, "GET", "/sparql?query=SELEC", None, {"Accept": _JSON}),
    ("two", 400, "GET", f"{_ASK}&query=ASK%7B%7D", None, {}),
    ("accept", 406, "GET", _ASK, None, {"Accept": "a/b"}),
    ("type", 415, "POST", "/sparql", b"ASK {}", {"Content-Type": "a/b"}),
    ("utf-8", 400, "POST", "/sparql", b"query=%ff", {"Content-Type": _FORM}),
    ("route", 404, "GET", "/no/such/thing", None, {}),
)
"""Name, the status it must have, method, address, body, headers."""


@dataclass(frozen=True)
class Ask:
    """A good query, and the rows it must have; how many, where all of them are asked for.

    What the writers change is in the answer of some: they are asked in the version from before.
    """

    text: str
    rows: str
    version: int | None = None


def canonical(rows: Sequence[dict[str, Any]]) -> str:
    """Rows as text, in an order of their own."""
    return "\n".join(sorted(json.dumps(one, sort_keys=True) for one in rows))


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
            (77, self.look_up),
            (10, lambda: self._good(self._asks[: len(service.MIX)])),
            (1, self._heavy),
            (8, self._broken),
            (1, self._deep),
            (1, self._leaving),
            (2, self._raw),
            (1, self._slow),
        ]
        weights = [weight for weight, _ in kinds]
        [(_, work)] = self._chance.choices(kinds, weights)
        try:
            work()
        except (OSError, http.client.HTTPException) as error:
            self._told[f"connection: {type(error).__name__}"] += 1

    def look_up(self) -> None:
        """One point lookup."""
        self._good(self._asks[len(service.MIX) : -1])

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
        status, body = self._request("GET", self._path(ask), Accept=_JSON)
        self._expect("good", status, frozenset({200}))
        if status == 200 and canonical(json.loads(body)["results"]["bindings"]) != ask.rows:
            self.wrong.append(f"other rows than expected for {ask.text[:200]}")

    def _path(self, ask: Ask) -> str:
        if ask.version is None:
            return f"/sparql?{urllib.parse.urlencode({'query': ask.text})}"
        text = f"{ask.text}\n# {self._chance.random()}"  # not the one that is kept
        return f"/sparql?{urllib.parse.urlencode({'query': text, 'version': ask.version})}"

    def _slow(self) -> None:
        """Take a large answer slowly, then the rest: all of it, or the end is not a proper one."""
        ask = self._asks[-1]
        connection = http.client.HTTPConnection(
            "127.0.0.1", self._port, timeout=120, source_address=self._address
        )
        try:
            connection.request("GET", self._path(ask), headers={"Accept": "text/csv"})
            answer = connection.getresponse()
            self._expect("slow", answer.status, frozenset({200}))
            taken, until = bytearray(), time.monotonic() + _SLOW_SECONDS
            while piece := answer.read(1 << 14):
                taken += piece
                time.sleep(0.1 if time.monotonic() < until else 0)
            rows = taken.count(b"\r\n") - 1
            if answer.status == 200 and rows != int(ask.rows):
                self.wrong.append(f"a slow reader was given {rows} of {ask.rows} rows")
        finally:
            connection.close()

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
        name, wanted, method, path, body, headers = self._chance.choice(_BROKEN)
        status, _ = self._request(method, path, body, **headers)
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
    numbers: range, port: int, asks: Sequence[Ask], until: float, told: "Queue[dict[str, Any]]"
) -> None:
    """In a process of its own: some of the clients, each in a thread."""
    counter: Counter[str] = Counter()
    some = [Client(one, port, asks, counter) for one in numbers]

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
        client.look_up()
        times.append((time.monotonic() - started) * 1000)
        time.sleep(1 / _PROBES_A_SECOND)
    told.put({"times": times, "wrong": client.wrong})
