"""Our service beside its neighbours on the same data; no figure here is a test of anything.

Oxigraph's own server, rdflib-endpoint and `coprod-kg serve` answer the same questions over the same
made-up data in one run, by turns, and the report holds medians, ratios and the machine.

    python3 -m venv PEERS && PEERS/bin/pip install oxigraph rdflib-endpoint uvicorn
    apt install wrk
    python benchmarks/service.py --peers PEERS --work FOLDER [--initiatives 100000] [--no-rdflib]

FOLDER keeps the data between runs. Everything listens on the loopback only.
"""

import argparse
import http.client
import json
import re
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.parse
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import generate, servers
from benchmarks.hopeless import Hopeless, cancelled, deadline
from benchmarks.multiply import fill, multiply
from benchmarks.servers import Server, post
from coprod_kg.queries.library import load as saved

__all__ = ["MIX", "main"]

BASE = "https://w3id.org/coprod/"
MIX = (
    *("initiatives-by-stage", "stages-by-country", "barriers-by-stage", "barrier-pairs"),
    *("roles-by-phase", "learning-flows-by-direction", "enablers-of-programmes"),
)
"""The saved questions of the analytic mix."""

_WARM = "barriers-by-stage"
_MANY_CLIENTS = ("--client-queries", "64", "--client-requests", "256", "--freshness", "off")
_PATIENCE = 30.0
_SUBMITTED = 10_000
_WRK = """
local at = {at}
local urls = {{ {urls} }}
request = function()
  at = at + 1
  local url = urls[at % #urls + 1] .. ({distinct} and "%20%23" .. at or "")
  return wrk.format("GET", url, {{ ["Accept"] = "application/sparql-results+json" }})
end
"""


@dataclass(frozen=True)
class Load:
    """How wrk asks.

    Attributes:
        seconds: for how long.
        clients: how many at once.
        distinct: whether no two queries are the same text, so that no cache helps.
    """

    seconds: float
    clients: int
    distinct: bool = True


def lookups(server: Server, folder: Path, load: Load, count: int) -> dict[str, Any]:
    """Point lookups by wrk: everything said of one initiative, each time another."""
    path = urllib.parse.urlsplit(server.query).path
    urls = []
    for number in range(0, min(count, 4000)):
        organisation, place = divmod(number * 7 % count, generate.PER_ORGANISATION)
        iri = f"{BASE}id/initiative/made-up-{organisation}-{place}"
        text = f"SELECT ?p ?o WHERE {{ <{iri}> ?p ?o }}"
        urls.append(json.dumps(f"{path}?{urllib.parse.urlencode({'query': text})}"))
    script = folder / f"lookups-{server.name}.lua"
    at = time.monotonic_ns() // 1000 if load.distinct else 0  # another beginning each time
    written = _WRK.format(at=at, urls=",\n".join(urls), distinct=str(load.distinct).lower())
    script.write_text(written, encoding="utf-8")
    root = server.query.removesuffix(path) + "/"
    command = ["wrk", "-t1", f"-c{load.clients}", f"-d{load.seconds:g}s", "--latency"]
    command += ["--timeout", "30s", "-s", str(script), root]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    found = {name: _milliseconds(value) for name, value in _percentiles(ran.stdout)}
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", ran.stdout)[1])  # type: ignore[index]  # wrk always says it
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", ran.stdout)
    return {"per_second": rate, **found, "refused": int(wrong[1]) if wrong else 0}


def _percentiles(printed: str) -> list[tuple[str, str]]:
    return [(f"p{n}", v) for n, v in re.findall(r"^\s+(50|99)%\s+(\S+)$", printed, re.MULTILINE)]


def _milliseconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()  # type: ignore[union-attr]  # wrk's own form
    return float(number) * {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}[unit]


def question(server: Server, name: str) -> float | str:
    """Seconds that a saved question takes, or what went wrong."""
    text = f"{saved()[name].bind({}, BASE)}\n# {time.monotonic_ns()}"  # no cache knows it
    started = time.monotonic()
    try:
        rows = len(json.loads(post(server, text, _PATIENCE))["results"]["bindings"])
    except urllib.error.HTTPError as error:
        return f"status {error.code}"
    except (OSError, ValueError, http.client.HTTPException) as error:
        return type(error).__name__
    return time.monotonic() - started if rows else "no rows"


def warm(server: Server, name: str) -> float | str:
    """Seconds that a saved question takes that was asked before, and of the same data."""
    text = saved()[name].bind({}, BASE)
    times = []
    try:
        for _ in range(7):
            started = time.monotonic()
            post(server, text, _PATIENCE)
            times.append(time.monotonic() - started)
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    return statistics.median(times[4:])  # each of our processes has its own cache to warm


def beside(
    server: Server, folder: Path, seconds: float, count: int, hopeless: int = 1
) -> dict[str, Any]:
    """Lookups while queries run that would never end."""
    asking = [Hopeless(server) for _ in range(hopeless)]
    time.sleep(0.5)
    try:
        return lookups(server, folder, Load(seconds, 4), count)
    finally:
        for one in asking:
            one.leave()


def visible(server: Server, number: int) -> float | str:
    """Seconds from sending one triple until a query has it."""
    triple = f"<http://example.org/commit/{number}> <http://example.org/is> {number}"
    graph = f"<{BASE}graph/organisation/made-up-0>"
    started = time.monotonic()
    try:
        post(server, f"INSERT DATA {{ GRAPH {graph} {{ {triple} }} }}", _PATIENCE, update=True)
        while not json.loads(post(server, f"ASK {{ {triple} }}", _PATIENCE))["boolean"]:
            if time.monotonic() - started > _PATIENCE:
                return "never seen"
    except urllib.error.HTTPError as error:
        return f"status {error.code}"
    except OSError as error:
        return type(error).__name__
    return time.monotonic() - started


def prepare(work: Path, initiatives: int) -> tuple[Path, Path]:
    """The data directory and its dump, made where they are not there yet.

    More than 10,000 initiatives are that many copied (`benchmarks.multiply`).
    """
    data, dump = work / "data", work / "dump.nq"
    copies = -(-initiatives // _SUBMITTED)
    if copies > 1:
        _, one = prepare(work / str(_SUBMITTED), _SUBMITTED)
        if not dump.exists():
            multiply(one, dump, copies, _SUBMITTED // generate.PER_ORGANISATION)
        if not (data / "store").exists():
            fill(data, dump)
        return data, dump
    program = [sys.executable, "-m", "coprod_kg.cli.__main__"]
    if not (data / "store").exists():
        files = work / "files"
        generate.main([str(files), "--initiatives", str(initiatives)])
        paths = sorted(str(one) for one in files.glob("*.ttl"))
        for first in range(0, len(paths), 2000):
            some = paths[first : first + 2000]
            with (work / "submit.log").open("a") as log:
                subprocess.run(
                    [*program, "submit", "--data", str(data), *some], stdout=log, check=True
                )
    if not dump.exists():
        subprocess.run([*program, "dump", "--data", str(data), "-o", str(dump)], check=True)
    return data, dump


def middle(values: Sequence[Any]) -> Any:
    """The median of figures; where something went wrong, that."""
    wrong = [one for one in values if not isinstance(one, int | float)]
    return wrong[0] if wrong else round(statistics.median(values), 4)


def measure(found: list[Server], given: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Every figure of every server; in each round, one after the other has its turn."""
    raw: dict[str, dict[str, list[Any]]] = {one.name: {} for one in found}

    def note(server: Server, name: str, value: Any) -> None:
        raw[server.name].setdefault(name, []).append(value)
        print(f"{server.name:18} {name:34} {value}", flush=True)

    def each(work: Callable[[Server], None], rounds: int = given.rounds) -> None:
        for number in range(rounds):
            for server in found[number % len(found) :] + found[: number % len(found)]:
                if number == 0 or server.name != "rdflib-endpoint":
                    work(server)

    each(lambda one: note(one, "memory at start, MiB", servers.memory_mb(one.pid)), 1)

    def points(server: Server) -> None:
        few, many = Load(given.seconds, 1), Load(given.seconds, given.clients)
        again = Load(given.seconds, given.clients, distinct=False)
        for what, load in (("", few), ("", many), (", asked before", again)):
            done = lookups(server, given.work, load, given.initiatives)
            for name, value in done.items():
                note(server, f"lookups{what}, {load.clients} clients: {name}", value)

    def questions(server: Server) -> None:
        for name in MIX:
            last = raw[server.name].get(f"question {name}, s", [0.0])[-1]
            note(
                server,
                f"question {name}, s",
                last if isinstance(last, str) else question(server, name),
            )

    def warmed(server: Server) -> None:
        note(server, f"question {_WARM}, asked before, s", warm(server, _WARM))

    each(points)
    each(lambda one: note(one, "commit to visible, s", visible(one, time.monotonic_ns())))
    each(questions)
    each(warmed)
    each(lambda one: note(one, "memory after, MiB", servers.memory_mb(one.pid)), 1)
    for server in found:  # alone: the neighbours may go on computing
        if server.name == "rdflib-endpoint":
            continue
        for name, value in beside(server, given.work, given.seconds, given.initiatives).items():
            note(server, f"beside a hopeless query: {name}", value)
        if server.name == "coprod-kg":  # at its neighbour they would go on for ever
            found_four = beside(server, given.work, given.seconds, given.initiatives, 4)
            for name, value in found_four.items():
                note(server, f"beside 4 hopeless queries: {name}", value)
        gone = cancelled(server)
        note(server, "freed after the client left, s", gone if gone is not None else "not in 15 s")
    for server in found:
        if server.name != "rdflib-endpoint":
            status, seconds = deadline(server)
            note(server, f"answer when timeout=1 is asked ({status}), s", seconds)
    return {name: {one: middle(of) for one, of in figures.items()} for name, figures in raw.items()}


def report(figures: dict[str, dict[str, Any]], about: dict[str, str]) -> str:
    """The figures as a page."""
    names = list(figures)
    rows = list(dict.fromkeys(row for one in figures.values() for row in one))
    lines = ["# The service beside its neighbours", ""]
    lines += [f"- {name}: {value}" for name, value in about.items()]
    lines += ["", "Medians. The ratio is ours to Oxigraph's.", ""]
    lines += [f"| what | {' | '.join(names)} | ratio |", "| --- " * (len(names) + 2) + "|"]
    for row in rows:
        values = [figures[name].get(row, "") for name in names]
        shown = [f"{one:.4g}" if isinstance(one, float) else str(one) for one in values]
        ratio = ""
        with suppress(KeyError, TypeError, ZeroDivisionError):
            ratio = f"{figures['coprod-kg'][row] / figures['oxigraph'][row]:.2f}"
        lines.append(f"| {row} | {' | '.join(shown)} | {ratio} |")
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and write the report as Markdown and JSON."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--peers", type=Path, help="environment with the neighbours' servers")
    parser.add_argument("--work", type=Path, required=True, help="folder for data; kept")
    parser.add_argument("--initiatives", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each run of wrk")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--no-rdflib", action="store_true", help="leave rdflib-endpoint out")
    parser.add_argument("--reports", type=Path, default=Path(__file__).parent / "reports")
    given = parser.parse_args(arguments)
    given.work.mkdir(parents=True, exist_ok=True)
    data, dump = prepare(given.work, given.initiatives)
    about = {**servers.machine(), "initiatives": str(given.initiatives), "client": "wrk -t1"}
    about["date"] = datetime.now(UTC).date().isoformat()
    why = "all clients of a benchmark have one address; no neighbour runs saved queries by itself"
    about["our flags"] = f"{' '.join(_MANY_CLIENTS)} ({why})"
    with ExitStack() as stack:
        log = given.work
        found = [stack.enter_context(servers.ours(data, log / "ours.log", *_MANY_CLIENTS))]
        if given.peers:
            peer = servers.oxigraph(given.peers, dump, log / "oxigraph", log / "oxigraph.log")
            found.append(stack.enter_context(peer))
        if given.peers and not given.no_rdflib:
            peer = servers.rdflib_endpoint(given.peers, dump, log / "rdflib.log")
            found.append(stack.enter_context(peer))
        figures = measure(found, given)
    given.reports.mkdir(parents=True, exist_ok=True)
    stem = given.reports / f"service-{given.initiatives}-{about['date']}"
    text = json.dumps({"about": about, "figures": figures}, indent=2)
    stem.with_suffix(".json").write_text(text + "\n", encoding="utf-8")
    stem.with_suffix(".md").write_text(report(figures, about), encoding="utf-8")
    print(f"written to {stem}.md")


if __name__ == "__main__":
    main()
