"""The writers of the soak: every road by which data changes, and bodies that break off.

A writer knows what must be there: what was acknowledged, and not what was refused. Where the
connection ended or the service said that it does not know (503), either may be; the next look
tells which.
"""

import http.client
import json
import random
import socket
import threading
import time
import urllib.parse
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.queues import Queue
from typing import Any

__all__ = ["Writer", "at_work", "writers", "writing"]

_JSON = "application/sparql-results+json"
_BASE = "https://w3id.org/coprod/"
_REFUSED = frozenset({409, 412, 429, 507})
"""What says that nothing was done."""
_LOOKS = 120
_PAUSE_SECONDS = 2.0
CUT = "urn:soak:cut"
"""The graph into which only bodies write that break off: it is never there."""

_CUT_NAME = CUT.replace(":", "-")
_ORGANISATION = """
PREFIX cp: <https://w3id.org/coprod/ontology#>
PREFIX dcterms: <http://purl.org/dc/terms/>
PREFIX org: <http://www.w3.org/ns/org#>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
<{base}id/organisation/{name}> a org:Organization ; rdfs:label "{name}"@en .
<{base}id/initiative/{name}-{thing}> a cp:Initiative ; rdfs:label "Number {number}"@en ;
  cp:runBy <{base}id/organisation/{name}> ; dcterms:identifier "{number}" ;
  cp:sector <https://w3id.org/coprod/vocab/sector/health> ;
  dcterms:source <https://example.org/{name}> .
"""
_QUESTION = """\
#+ summary: Which things have the number {number}?
#+ description: One row for each.
#+ tags: soak
#+ column thing: The thing.
SELECT ?thing WHERE {{ ?thing <urn:soak:n> {number} }} ORDER BY ?thing
"""
_NUMBERS = "SELECT ?n { GRAPH <%s> { ?thing <urn:soak:n> ?n } }"
_IDENTIFIERS = "SELECT ?n { GRAPH <%s> { ?thing <http://purl.org/dc/terms/identifier> ?n } }"


_State = frozenset[str]
_Step = Callable[[_State], _State]


@dataclass(slots=True)
class Place:
    """What may be found at one place.

    Attributes:
        look: the SPARQL query that gives it, one value ``?n`` a row.
        states: one of them is there; more than one where a write was neither acknowledged nor
            refused.
        settled: whether none can follow any more: a writer that was killed may have left a commit
            that the next one finishes, but before all that comes later.
    """

    look: str
    states: set[_State] = field(default_factory=lambda: {frozenset()})
    settled: bool = True


class Writer:
    """One writer with places of its own, which nobody else changes."""

    def __init__(self, number: int, port: int, token: str, told: Counter[str]) -> None:
        """Write nothing yet."""
        self._name = f"soak-{number}-{time.time_ns()}"
        self._address = (f"127.0.5.{2 + number}", 0)
        self._port = port
        self._token = token
        self._told = told
        self._chance = random.Random(number)
        self._number = 0
        self._places: dict[str, Place] = {}
        self._last = ""
        self._before: _State = frozenset()
        self.wrong: list[str] = []
        self.doing = ""

    def write_until(self, ending: Callable[[], bool], pause: float) -> None:
        """Write by one road after the other, then look at all that must be there."""
        replaced = (self._put, self._post, self._delete, self._insert, self._replace, self._submit)
        added = (self._patch, self._take_back, self._question, self._forget, self._cut_off)
        roads = (*replaced, *added)
        while not ending():
            road = self._chance.choice(roads)
            self.doing = road.__name__.strip("_")
            road()
            self.doing = ""
            time.sleep(self._chance.uniform(0, 2 * pause))
        for place in self._places:
            self._check(place)
        self._check_cut()

    def _put(self) -> None:
        graph, number = f"urn:soak:{self._name}:put", self._next()
        body = f"<urn:s> <urn:soak:n> {number} .".encode()
        self._change("put", graph, _only(number), ("PUT", _data(graph), body, "text/turtle"))

    def _delete(self) -> None:
        graph = f"urn:soak:{self._name}:put"
        self._change("delete", graph, _only(), ("DELETE", _data(graph), None, ""), also=(404,))

    def _post(self) -> None:
        graph, number = f"urn:soak:{self._name}:post", self._next()
        body = f"[] <urn:soak:n> {number} .".encode()
        self._change("post", graph, _more(number), ("POST", _data(graph), body, "text/turtle"))

    def _insert(self) -> None:
        graph, number = f"urn:soak:{self._name}:insert", self._next()
        text = f"INSERT DATA {{ GRAPH <{graph}> {{ <urn:s> <urn:soak:n> {number} }} }}"
        self._update("insert", graph, _more(number), text)

    def _replace(self) -> None:
        graph, number = f"urn:soak:{self._name}:replace", self._next()
        pattern = f"GRAPH <{graph}> {{ <urn:s> <urn:soak:n> ?n }}"
        new = f"GRAPH <{graph}> {{ <urn:s> <urn:soak:n> {number} }}"
        text = f"DELETE {{ {pattern} }} INSERT {{ {new} }} WHERE {{ OPTIONAL {{ {pattern} }} }}"
        self._update("replace", graph, _only(number), text)

    def _update(self, road: str, graph: str, step: _Step, text: str) -> None:
        kind = "application/sparql-update"
        self._change(road, graph, step, ("POST", "/sparql", text.encode(), kind))

    def _submit(self) -> None:
        number, states = self._next(), self._place(self._graph).states
        body, before = self._described("panel", number), set(states)
        asked = ("POST", "/submissions", body, "text/turtle")
        answer = self._change("submit", self._graph, _only(number), asked)
        self._last = json.loads(answer)["submission"] if answer and len(before) == 1 else ""
        self._before = next(iter(before))

    def _patch(self) -> None:
        number = self._next()
        body = self._described(number, number)
        path = f"/submissions?patch=1&organisation={self._name}"
        self._change("patch", self._graph, _more(number), ("POST", path, body, "text/turtle"))
        self._last = ""

    def _take_back(self) -> None:
        """Take the last submission back: what was there before it is there again."""
        if not self._last:
            self._submit()
        if self._last:
            asked = ("POST", f"/submissions/{self._last}/rollback", None, "")
            self._last = ""
            self._change("take back", self._graph, _only(*self._before), asked)

    def _question(self) -> None:
        number = self._next()
        body, place = _QUESTION.format(number=number).encode(), self._question_place()
        asked = ("PUT", f"/queries/{self._name}", body, "application/sparql-query")
        self._change("question", place, _only(number), asked)

    def _forget(self) -> None:
        asked = ("DELETE", f"/queries/{self._name}", None, "")
        self._change("forget", self._question_place(), _only(), asked, also=(404,))

    def _cut_off(self) -> None:
        """Half a body, then the end: nothing of it is done."""
        self._number += 1
        whole = f"<urn:s> <urn:soak:n> {self._number} .\n"
        text = f"INSERT DATA {{ GRAPH <{CUT}> {{ <urn:s> <urn:soak:n> {self._number} }} }} "
        question = _QUESTION.format(number=self._number)
        path, kind, body = self._chance.choice(
            (
                (f"PUT {_data(CUT)}", "text/turtle", whole),
                (f"POST {_data(CUT)}", "text/turtle", whole),
                ("POST /sparql", "application/sparql-update", f"{text}; "),
                ("POST /submissions", "text/turtle", self._described("cut", "0", CUT).decode()),
                (f"PUT /queries/{_CUT_NAME}", "application/sparql-query", question),
            )
        )
        head = f"{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self._token}\r\n"
        head += f"Content-Type: {kind}\r\n"
        if self._chance.random() < 0.5:
            head += f"Content-Length: {len(body) + 100}\r\n\r\n{body}"
        else:
            head += f"Transfer-Encoding: chunked\r\n\r\n{len(body):x}\r\n{body}\r\n"
        try:
            place = ("127.0.0.1", self._port)
            with socket.create_connection(place, 30, source_address=self._address) as sending:
                sending.sendall(head.encode())
                sending.shutdown(socket.SHUT_WR)
                first = sending.recv(4096)
        except OSError:
            first = b""
        status = int(first.split()[1]) if first.startswith(b"HTTP/1.1 ") else 0
        self._note("cut off", status)
        if 200 <= status < 300:
            self.wrong.append("a body that broke off was acknowledged")

    def _check_cut(self) -> None:
        graphs = f"<{CUT}> <{_BASE}graph/organisation/{_CUT_NAME}>"
        written = f"{{ VALUES ?g {{ {graphs} }} GRAPH ?g {{ ?s ?p ?n }} }}"
        asked = f"{{ <{_BASE}queries/{_CUT_NAME}> ?p ?n }}"
        found = self._look(f"SELECT ?n {{ {written} UNION {asked} }}")
        if found:
            self.wrong.append("half of a body that broke off was carried out")

    def _described(self, thing: str, number: str, name: str = "") -> bytes:
        name = (name or self._name).replace(":", "-")
        return _ORGANISATION.format(base=_BASE, name=name, thing=thing, number=number).encode()

    @property
    def _graph(self) -> str:
        return f"{_BASE}graph/organisation/{self._name}"

    def _question_place(self) -> str:
        place = f"{_BASE}queries/{self._name}"
        number = 'REPLACE(STR(?text), ".*soak:n> ([0-9]+).*", "$1", "s")'
        text = "<http://www.w3.org/ns/shacl#select> ?text"
        self._place(place, f"SELECT ({number} AS ?n) {{ <{place}> {text} }}")
        return place

    def _place(self, place: str, look: str = _NUMBERS) -> Place:
        if place == self._graph:
            look = _IDENTIFIERS
        if place not in self._places:
            self._places[place] = Place(look % place if "%s" in look else look)
        return self._places[place]

    def _next(self) -> str:
        self._number += 1
        return str(self._number)

    def _change(
        self,
        road: str,
        place: str,
        step: _Step,
        asked: tuple[str, str, bytes | None, str],
        also: tuple[int, ...] = (),
    ) -> bytes:
        """Send one write; gives the answer where it was acknowledged."""
        kept = self._place(place)
        status, answer = self._send(*asked)
        self._note(road, status)
        done, after = 200 <= status < 300, {step(state) for state in kept.states}
        if done:
            kept.states, kept.settled = after, True
        elif status in (0, 503):
            kept.states, kept.settled = kept.states | after, False
        elif status not in _REFUSED and status not in also:
            self.wrong.append(f"{road} was answered with {status}: {answer[:200]!r}")
        self._check(place)
        return answer if done else b""

    def _check(self, place: str) -> None:
        """See that what was acknowledged is there, and nothing that was refused."""
        kept = self._places[place]
        found = self._look(kept.look)
        if found is None:
            self.wrong.append(f"{place} could not be looked at")
            return
        if found not in kept.states:
            states = " or ".join(str(sorted(state)) for state in kept.states)
            self.wrong.append(f"{place} holds {sorted(found)}, not {states}")
        if kept.settled or found not in kept.states:
            kept.states = {found}

    def _look(self, text: str) -> frozenset[str] | None:
        path = f"/sparql?{urllib.parse.urlencode({'query': text})}"
        for _ in range(_LOOKS):
            status, answer = self._send("GET", path, None, "")
            if status == 200:
                rows = json.loads(answer)["results"]["bindings"]
                return frozenset(row["n"]["value"] for row in rows if "n" in row)
            time.sleep(0.5)
        return None

    def _note(self, road: str, status: int) -> None:
        self._told[f"write ({road}): {status or 'no answer'}"] += 1

    def _send(self, method: str, path: str, body: bytes | None, kind: str) -> tuple[int, bytes]:
        """The status and the answer; 0 where the connection ended before there was one."""
        headers = {"Authorization": f"Bearer {self._token}"}
        if kind:
            headers["Content-Type"] = kind
        elif method == "GET":  # the answer of a query; other answers come as they are
            headers["Accept"] = _JSON
        connection = http.client.HTTPConnection(
            "127.0.0.1", self._port, timeout=300, source_address=self._address
        )
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            connection.close()


def _only(*numbers: str) -> _Step:
    return lambda _: frozenset(numbers)


def _more(*numbers: str) -> _Step:
    return lambda state: state | frozenset(numbers)


def writers(count: int, port: int, token: str, told: Counter[str]) -> list[Writer]:
    """So many writers, each with places of its own."""
    return [Writer(number, port, token, told) for number in range(count)]


def at_work(some: Sequence[Writer], until: float, pause: float) -> list[threading.Thread]:
    """The threads of writers, which end some time after ``until``."""
    threads = [
        threading.Thread(target=one.write_until, args=(lambda: time.monotonic() > until, pause))
        for one in some
    ]
    for thread in threads:
        thread.start()
    return threads


def writing(count: int, port: int, token: str, until: float, told: "Queue[dict[str, Any]]") -> None:
    """In a process of its own: some writers."""
    counter: Counter[str] = Counter()
    some = writers(count, port, token, counter)
    for thread in at_work(some, until, _PAUSE_SECONDS):
        thread.join()
    told.put({"told": dict(counter), "wrong": [text for one in some for text in one.wrong]})


def _data(graph: str) -> str:
    return f"/data?graph={urllib.parse.quote(graph, safe='')}"
