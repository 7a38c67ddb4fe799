"""Questions that every server is asked: saved ones, and those of nobody yet; rows are compared.

A server that does not answer in time is started again, as it would go on computing, and is not
asked that question again.
"""

import http.client
import json
import math
import random
import statistics
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final, TypeAlias

from benchmarks.servers import Server, memory_mb, post, processor_seconds
from coprod_kg.model.schemes import schemes
from coprod_kg.queries.library import SavedQuery, load
from coprod_kg.queries.parameters import Parameter

__all__ = ["KINDS", "SLOW_START", "Asked", "Questions", "ad_hoc", "cold", "geometric", "published"]

KINDS: Final = {
    "published": "saved questions as they stand; of ours by their address, after a publish",
    "cold": "saved questions with a value never asked before, or in a text never asked before",
    "ad hoc": "questions that are not saved (`benchmarks/ad_hoc`)",
}
"""Kind of question → what it is."""

_PATIENCE: Final = 35.0
"""A little more than our own deadline, so that our service says itself that it was too long."""
SLOW_START: Final = 10.0
"""A server that takes longer to start, or reads all data then, is asked no further question."""
_LEAST: Final = 1e-4
"""Seconds that a question is taken to cost at least."""
_DIGITS: Final = 9
_JSON: Final = "application/sparql-results+json"

Figures: TypeAlias = dict[str, dict[str, dict[str, list[float]]]]


@dataclass(frozen=True, slots=True)
class Asked:
    """One question.

    Attributes:
        name: its file.
        text: SPARQL.
        address: where our service has it, below its root; empty where the text is sent.
    """

    name: str
    text: str
    address: str = ""


def published(base: str) -> list[Asked]:
    """The saved questions that need no value, as they stand."""
    return [
        Asked(name, query.bind({}, base), f"/queries/{name}")
        for name, query in load().items()
        if _is_asked(query)
    ]


def cold(base: str, chance: random.Random, initiatives: int) -> list[Asked]:
    """The same, each with a value of one parameter, where it takes any that can be listed."""
    asked = []
    for name, query in load().items():
        if not _is_asked(query):
            continue
        known = [(one, values) for one in query.parameters if (values := _values(one, initiatives))]
        parameter, values = chance.choice(known) if known else (None, ())
        given = {parameter.name: (chance.choice(values),)} if parameter else {}
        text = query.bind(given, base)
        asked.append(Asked(name, f"{text}\n# {chance.getrandbits(60)}"))  # no cache knows it
    return asked


def ad_hoc(chance: random.Random) -> list[Asked]:
    """The questions that are not saved."""
    return [
        Asked(path.stem, f"{path.read_text(encoding='utf-8')}\n# {chance.getrandbits(60)}")
        for path in sorted((Path(__file__).parent / "ad_hoc").glob("*.rq"))
    ]


def _is_asked(query: SavedQuery) -> bool:
    return not query.is_graph and not any(one.required for one in query.parameters)


def _values(parameter: Parameter, initiatives: int) -> Sequence[str]:
    if parameter.type == "iri":
        numbers = range(min(initiatives, 8))
        named = {
            "initiative": [f"made-up-0-{number}" for number in numbers],
            "organisation": [f"made-up-{number // 8}" for number in numbers],
        }
        return named.get(parameter.scope, ())
    return parameter.permitted(schemes())


def geometric(values: Sequence[float]) -> float:
    """The geometric mean; what is quicker than can be measured counts as that."""
    return math.exp(statistics.fmean(math.log(max(one, _LEAST)) for one in values))


@dataclass
class Questions:
    """What was measured of them.

    Attributes:
        wall: kind → question → server → seconds, each time.
        processor: the same of processor seconds.
        problems: kind → question → server → why it was not answered.
        rows: kind → question → server → how many rows, the last time.
        differences: kind, question and server → how its rows differ from ours.
        peaks: server → MiB, the most that was seen after an answer.
    """

    wall: Figures = field(default_factory=dict)
    processor: Figures = field(default_factory=dict)
    problems: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    rows: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)
    differences: dict[tuple[str, str, str], str] = field(default_factory=dict)
    peaks: dict[str, float] = field(default_factory=dict)
    _left_out: set[str] = field(default_factory=set)

    def round(self, kind: str, asked: Sequence[Asked], found: Sequence[Server]) -> None:
        """Ask each of the questions of one server after the other; each time another is first."""
        for number, question in enumerate(asked):
            turn = number % len(found)
            answers = {
                server.name: self._ask(kind, question, server)
                for server in (*found[turn:], *found[:turn])
            }
            own = answers[found[0].name]
            for name, rows in answers.items():
                if own is not None and rows is not None and rows != own:
                    self.differences[kind, question.name, name] = _difference(own, rows)

    def _ask(self, kind: str, question: Asked, server: Server) -> "Counter[str] | None":
        """The rows of the answer; None where there is none."""
        problems = self.problems.setdefault(kind, {}).setdefault(question.name, {})
        if server.name in problems:
            return None
        if server.name in self._left_out:
            problems[server.name] = "not asked: it had not answered another one"
            return None
        before, began = processor_seconds(server.pid), time.monotonic()
        try:
            data = _answer(question, server)
        except urllib.error.HTTPError as error:
            problems[server.name] = f"status {error.code}"
            return None
        except (OSError, http.client.HTTPException) as error:
            problems[server.name] = type(error).__name__
            if server.store is None or server.start_seconds > SLOW_START:
                self._left_out.add(server.name)
            else:
                server.restart()
            return None
        took = time.monotonic() - began
        used = processor_seconds(server.pid) - before
        for figures, value in ((self.wall, took), (self.processor, used)):
            of = figures.setdefault(kind, {}).setdefault(question.name, {})
            of.setdefault(server.name, []).append(value)
        self.peaks[server.name] = max(self.peaks.get(server.name, 0.0), memory_mb(server.pid))
        rows = _rows(data)
        self.rows.setdefault(kind, {}).setdefault(question.name, {})[server.name] = rows.total()
        print(f"{kind:10} {question.name:40} {server.name:16} {took:8.3f} {used:8.3f}", flush=True)
        return rows

    def mean(self, kind: str, name: str, of: Figures) -> float | None:
        """The geometric mean over the questions of a kind that every server answered."""
        shared = self.shared(kind)
        if not shared or name not in of[kind][shared[0]]:
            return None
        return geometric([statistics.median(of[kind][question][name]) for question in shared])

    def shared(self, kind: str, *names: str) -> list[str]:
        """The questions of a kind that some servers answered, all by default but those left out."""
        answered = self.wall.get(kind, {})
        every = {name for of in answered.values() for name in of} - self._left_out
        wanted = set(names) or every
        return [question for question, of in answered.items() if wanted <= of.keys()]

    def ratio(self, kind: str, one: str, other: str) -> float | None:
        """Processor seconds of one server to another's: the mean over what both answered."""
        both = self.shared(kind, one, other)
        found = self.processor.get(kind, {})
        ratios = [
            max(statistics.median(found[question][one]), _LEAST)
            / max(statistics.median(found[question][other]), _LEAST)
            for question in both
        ]
        return geometric(ratios) if ratios else None

    def told(self) -> dict[str, Any]:
        """All figures, ready for JSON."""
        return {
            "seconds": _medians(self.wall),
            "processor seconds": _medians(self.processor),
            "not answered": self.problems,
            "rows": self.rows,
            "differences": [
                {"kind": kind, "question": question, "server": server, "difference": text}
                for (kind, question, server), text in sorted(self.differences.items())
            ],
        }


def _medians(figures: Figures) -> Any:
    return {
        kind: {
            name: {server: round(statistics.median(of), 5) for server, of in servers.items()}
            for name, servers in questions.items()
        }
        for kind, questions in figures.items()
    }


def _answer(question: Asked, server: Server) -> bytes:
    """The rows as JSON: by the address of the question where the server has one."""
    if not question.address or server.name != "coprod-kg":
        return post(server, question.text, _PATIENCE)
    url = server.query.removesuffix("/sparql") + question.address
    request = urllib.request.Request(url, headers={"Accept": _JSON})
    with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:
        body: bytes = answer.read()
    return body


def _rows(data: bytes) -> "Counter[str]":
    """The rows of an answer as a bag of texts, the same for the same terms in every engine."""
    told = json.loads(data)
    if "boolean" in told:
        return Counter([str(told["boolean"])])
    return Counter(
        "\t".join(sorted(_cell(name, term) for name, term in row.items()))
        for row in told["results"]["bindings"]
    )


def _cell(name: str, term: dict[str, str]) -> str:
    """A cell as text: blank nodes are alike, and so are numbers of one value."""
    kind, value = term["type"], term["value"]
    if kind == "bnode":
        return f"{name}=_:"
    if kind == "uri":
        return f"{name}=<{value}>"
    language = term.get("xml:lang", "").lower()
    if not language:
        try:
            number = Decimal(value)
            value = f"{float(number):.{_DIGITS}g}" if number.is_finite() else value
        except InvalidOperation:
            pass
    return f"{name}={value}@{language}"


def _difference(own: "Counter[str]", other: "Counter[str]") -> str:
    """How the rows of another server differ from ours."""
    ours, theirs = own - other, other - own
    parts = [f"{own.total()} rows of ours, {other.total()} of theirs"]
    for what, rows in (("only ours", ours), ("only theirs", theirs)):
        if rows:
            example = next(iter(sorted(rows)))[:160].replace("\t", " ")
            parts.append(f"{rows.total()} {what}, such as `{example}`")
    return "; ".join(parts)
