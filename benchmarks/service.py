"""Our service beside its neighbours on the same data; no figure here is a test of anything.

`coprod-kg serve`, Oxigraph's own server, Virtuoso, Fuseki and rdflib-endpoint answer the same
questions over the same made-up data in one run, by turns. The report holds medians, ratios, the
machine and whose rows differ; with several sizes, also how it grows. What is missing is left out:
`benchmarks.servers` says how one gets the neighbours.

    python -m benchmarks.service --work FOLDER [--initiatives 1000 10000] [--peers PEERS]

FOLDER keeps the data between runs. Everything listens on the loopback only.
"""

import argparse
import json
import random
import re
import resource
import shutil
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pyoxigraph as ox

from benchmarks import generate, questions, report, servers
from benchmarks.hopeless import Hopeless, cancelled, deadline
from benchmarks.multiply import fill, multiply
from benchmarks.questions import Questions
from benchmarks.servers import NEIGHBOURS, Server, post
from coprod_kg.queries.library import views
from coprod_kg.store.directory import DataDirectory
from coprod_kg.store.snapshots import Snapshots

__all__ = ["BASE", "MIX", "main", "prepare"]

BASE = "https://w3id.org/coprod/"
MIX = (
    *("initiatives-by-stage", "stages-by-country", "barriers-by-stage", "barrier-pairs"),
    *("roles-by-phase", "learning-flows-by-direction", "enablers-of-programmes"),
)
"""The saved questions of the analytic mix."""

_OURS: Final = "coprod-kg"
_MANY_CLIENTS: Final = ("--client-queries", "64", "--client-requests", "256", "--freshness", "off")
_WHY: Final = (
    "all clients of a benchmark have one address; no neighbour runs saved queries by itself, "
    "so ours does so for the questions asked after a publish only; documents are asked of a "
    "service without a cache (--cache-mb 0)"
)
_PATIENCE = 30.0
_START_SECONDS: Final = 120.0
_SETTLING_SECONDS: Final = 10.0
"""After a start: five seconds later its web processes make the self-assessment ready."""
_SUBMITTED = 10_000
_URLS: Final = 10_000
_WRK = """
local at = {at}
local urls = {{ {urls} }}
request = function()
  at = at + 1
  local url = urls[at % #urls + 1] .. ({distinct} and "%20%23" .. at or "")
  return wrk.format("GET", url, {{ ["Accept"] = "{accept}" }})
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
    more = {"default-graph-uri": server.graph} if server.graph else {}
    urls = []
    for number in range(min(count, _URLS)):
        text = f"SELECT ?p ?o WHERE {{ <{_thing(number, count)}> ?p ?o }}"
        urls.append(f"{path}?{urllib.parse.urlencode({**more, 'query': text})}")
    return _wrk(server, folder, load, urls, "application/sparql-results+json")


def documents(server: Server, folder: Path, load: Load, count: int) -> dict[str, Any]:
    """Documents by wrk: all of one initiative as Turtle; of neighbours the same by our query."""
    view, path = views()["view-document"], urllib.parse.urlsplit(server.query).path
    more = {"default-graph-uri": server.graph} if server.graph else {}
    urls = []
    for number in range(min(count, _URLS)):
        thing = _thing(number, count)
        if server.name == _OURS:
            urls.append("/doc/" + thing.removeprefix(f"{BASE}id/"))
        else:
            text = view.bind({"thing": (thing,)}, BASE)
            urls.append(f"{path}?{urllib.parse.urlencode({**more, 'query': text})}")
    return _wrk(server, folder, load, urls, "text/turtle")


def _thing(number: int, count: int) -> str:
    organisation, place = divmod(number * 7 % count, generate.PER_ORGANISATION)
    return f"{BASE}id/initiative/made-up-{organisation}-{place}"


def _wrk(
    server: Server, folder: Path, load: Load, urls: Sequence[str], accept: str
) -> dict[str, Any]:
    script = folder / f"requests-{server.name}.lua"
    at = time.monotonic_ns() // 1000 if load.distinct else 0  # another beginning each time
    listed = ",\n".join(map(json.dumps, urls))
    distinct = load.distinct and accept != "text/turtle"  # an address of a document has no comment
    written = _WRK.format(at=at, urls=listed, distinct=str(distinct).lower(), accept=accept)
    script.write_text(written, encoding="utf-8")
    split = urllib.parse.urlsplit(server.query)
    command = ["wrk", "-t1", f"-c{load.clients}", f"-d{load.seconds:g}s", "--latency"]
    command += ["--timeout", "30s", "-s", str(script), f"{split.scheme}://{split.netloc}/"]
    before = servers.processor_seconds(server.pid)
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    used = servers.processor_seconds(server.pid) - before
    found = {name: _milliseconds(value) for name, value in _percentiles(ran.stdout)}
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", ran.stdout)[1])  # type: ignore[index]  # wrk always says it
    answered = int(re.search(r"(\d+) requests in", ran.stdout)[1])  # type: ignore[index]  # and this
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", ran.stdout)
    refused = int(wrong[1]) if wrong else 0
    cost = 1000 * used / max(answered, 1)
    return {"per_second": rate, **found, "processor ms": round(cost, 4), "refused": refused}


def _percentiles(printed: str) -> list[tuple[str, str]]:
    return [(f"p{n}", v) for n, v in re.findall(r"^\s+(50|99)%\s+(\S+)$", printed, re.MULTILINE)]


def _milliseconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()  # type: ignore[union-attr]  # wrk's own form
    return float(number) * {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}[unit]


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
    graph = f"{BASE}graph/organisation/made-up-0" if server.name == _OURS else server.graph
    text = f"GRAPH <{graph}> {{ {triple} }}" if graph else triple
    started = time.monotonic()
    try:
        post(server, f"INSERT DATA {{ {text} }}", _PATIENCE, update=True)
        asked = "SELECT ?number { <http://example.org/commit/%d> <http://example.org/is> ?number }"
        while not json.loads(post(server, asked % number, _PATIENCE))["results"]["bindings"]:
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
        began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
        for first in range(0, len(paths), 2000):
            some = paths[first : first + 2000]
            with (work / "submit.log").open("a") as log:
                subprocess.run(
                    [*program, "submit", "--data", str(data), *some], stdout=log, check=True
                )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        _note_loading(work, _OURS, (time.monotonic() - began, used))
    if not dump.exists():
        subprocess.run([*program, "dump", "--data", str(data), "-o", str(dump)], check=True)
    return data, dump


def _merge(data: Path, triples: Path) -> None:
    """Write what our questions read, the merge of all graphs, as N-Triples."""
    snapshots = Snapshots(DataDirectory(data).snapshots)
    reader = snapshots.open(snapshots.current())
    unfinished = triples.with_suffix(".unfinished")
    reader.store.dump(unfinished, ox.RdfFormat.N_TRIPLES, from_graph=ox.DefaultGraph())
    reader.close()
    unfinished.rename(triples)


def _loading(work: Path) -> dict[str, tuple[float, float]]:
    path = work / "loading.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _note_loading(work: Path, name: str, took: tuple[float, float] | None) -> None:
    if took is not None:
        text = json.dumps({**_loading(work), name: took})
        (work / "loading.json").write_text(text, encoding="utf-8")


def middle(values: Sequence[Any]) -> Any:
    """The median of figures; where something went wrong, that."""
    wrong = [one for one in values if not isinstance(one, int | float)]
    return wrong[0] if wrong else round(statistics.median(values), 4)


@dataclass
class Run:
    """One run over the data of one size.

    Attributes:
        found: the servers, ours first.
        given: what the command line says.
        initiatives: the size.
        folder: where the data lies.
        raw: server → what → each time.
        asked: what was measured of questions.
    """

    found: list[Server]
    given: argparse.Namespace
    initiatives: int
    folder: Path
    raw: dict[str, dict[str, list[Any]]] = field(default_factory=dict)
    asked: Questions = field(default_factory=Questions)

    def note(self, server: Server, name: str, value: Any) -> None:
        """Note a figure."""
        self.raw.setdefault(server.name, {}).setdefault(name, []).append(value)
        print(f"{server.name:18} {name:34} {value}", flush=True)

    def each(self, work: Callable[[Server], None], rounds: int = 1) -> None:
        """Have every server do something, by turns; each time another one is first."""
        for number in range(rounds):
            turn = number % len(self.found)
            for server in (*self.found[turn:], *self.found[:turn]):
                work(server)

    def add(self, server: Server) -> None:
        """Take part from now on; what it takes before anybody asks is noted."""
        self.found.append(server)
        self.note(server, "start to first answer, s", server.start_seconds)
        self.note(server, "memory at start, MiB", servers.memory_mb(server.pid))
        if server.store is not None:
            self.note(server, "disk, MiB", servers.disk_mb(server.store))
        loading = _loading(self.folder)
        if server.name in loading:
            took, used = loading[server.name]
            self.note(server, "loading, s", took)
            self.note(server, "loading, processor s", used)

    def start_again(self) -> None:
        """Start our service anew, under the address that its catalogue names since the first."""
        self.found[0].restart()
        self.note(self.found[0], "start again to first answer, s", self.found[0].start_seconds)

    def published(self, rounds: int) -> None:
        """Saved questions after a publish, each round asked of web processes just started."""
        for _ in range(rounds):
            self.start_again()
            self.asked.round("published", questions.published(BASE), self.found)

    def never_asked(self, rounds: int) -> None:
        """Questions that no cache knows."""
        for number in range(rounds):
            chance = random.Random(f"{number} {time.time_ns()}")
            cold = questions.cold(BASE, chance, self.initiatives)
            self.asked.round("cold", cold, self.found)
            self.asked.round("ad hoc", questions.ad_hoc(chance), self.found)

    def points(self, server: Server) -> None:
        """Lookups of one client, of many, and of many who ask the same again."""
        seconds, clients = self.given.seconds, self.given.clients
        again = Load(seconds, clients, distinct=False)
        for what, load in (
            ("", Load(seconds, 1)),
            ("", Load(seconds, clients)),
            (", asked before", again),
        ):
            self._noted(f"lookups{what}", server, load, lookups)

    def papers(self, server: Server) -> None:
        """Documents of one client and of many."""
        for clients in (1, self.given.clients):
            self._noted("documents", server, Load(self.given.seconds, clients), documents)

    def _noted(
        self,
        what: str,
        server: Server,
        load: Load,
        ask: Callable[[Server, Path, Load, int], dict[str, Any]],
    ) -> None:
        done = ask(server, self.folder, load, self.initiatives)
        for name, value in done.items():
            self.note(server, f"{what}, {load.clients} clients: {name}", value)

    def hopeless(self) -> None:
        """How each bears queries that never end, one server after the other."""
        for server in self.found:
            if server.store is None:
                continue  # it would go on computing, and reads all data when it starts again
            place, seconds = self.folder, self.given.seconds
            for many in (1, 4) if server.name == _OURS else (1,):  # there they would not end
                name = f"beside {many} hopeless queries"
                for what, value in beside(server, place, seconds, self.initiatives, many).items():
                    self.note(server, f"{name}: {what}", value)
            gone = cancelled(server)
            told = gone if gone is not None else "not in 15 s"
            self.note(server, "freed after the client left, s", told)
            status, took = deadline(server)
            self.note(server, f"answer when timeout=1 is asked ({status}), s", took)
            if server.name != _OURS:
                server.restart()

    def figures(self) -> dict[str, dict[str, Any]]:
        """The median of each figure."""
        for name, most in self.asked.peaks.items():
            self.raw.setdefault(name, {})["memory, most after an answer, MiB"] = [most]
        return {
            name: {what: middle(values) for what, values in found.items()}
            for name, found in self.raw.items()
        }


def _publish(server: Server) -> float | str:
    """Seconds from a commit until each saved question was answered over its version."""
    began = time.monotonic()
    number = time.time_ns()
    triple = f"<http://example.org/commit/{number}> <http://example.org/is> {number}"
    graph = f"{BASE}graph/organisation/made-up-0"
    post(server, f"INSERT DATA {{ GRAPH <{graph}> {{ {triple} }} }}", 600, update=True)
    with urllib.request.urlopen(f"{server.query}?query=ASK%7B%7D", timeout=60) as answer:
        version = int(answer.headers["Dataset-Version"])
    url = server.query.removesuffix("/sparql") + "/queries?format=json"
    while time.monotonic() - began < 3600:
        time.sleep(1)
        with urllib.request.urlopen(url, timeout=60) as answer:
            runs = [one["last_run"] for one in json.loads(answer.read())["queries"]]
        if all(run is not None and run["version"] == version for run in runs):
            return time.monotonic() - began
    return "not in an hour"


def measure(given: argparse.Namespace, initiatives: int) -> dict[str, Any]:
    """Everything over the data of one size."""
    work = given.work / str(initiatives) if len(given.initiatives) > 1 else given.work
    work.mkdir(parents=True, exist_ok=True)
    prepared, _ = prepare(work, initiatives)
    data = work / "run"  # the neighbours hold what it holds, and commits are for this run alone
    shutil.rmtree(data, ignore_errors=True)
    shutil.copytree(prepared, data, symlinks=True)
    about = {**servers.machine(), "initiatives": str(initiatives), "client": "wrk -t1"}
    about["date"] = datetime.now(UTC).date().isoformat()
    flags = (*_MANY_CLIENTS, *given.flags.split())
    about["our flags"] = f"{' '.join(flags)} ({_WHY})"
    many = (*flags, "--freshness", "on")
    with ExitStack() as stack:
        patience = max(_START_SECONDS, initiatives / 100)  # it describes the data under its address
        log = work / "ours.log"
        own = stack.enter_context(servers.ours(data, log, *many, patience=patience))
        run = Run([], given, initiatives, work)
        run.add(own)
        if not given.no_publish:
            run.note(own, "commit to all questions prepared, s", _publish(own))
        triples, missing = work / "merge.nt", []
        _merge(data, triples)
        for name in given.neighbours:
            neighbour, folder = NEIGHBOURS[name], work / name
            if neighbour.program(given.peers) is None:
                missing.append(f"{name} ({neighbour.missing})")
                continue
            _note_loading(work, name, neighbour.loaded(given.peers, triples, folder))
            run.add(stack.enter_context(neighbour.running(given.peers, triples, folder)))
        if missing:
            about["left out, as not there"] = ", ".join(missing)
        if not given.no_publish:
            run.published(given.rounds)
        own.flags = flags
        run.start_again()
        run.never_asked(given.rounds)
        run.each(run.points, given.rounds)
        own.flags = (*flags, "--cache-mb", "0")
        run.start_again()
        time.sleep(_SETTLING_SECONDS)
        run.each(run.papers, given.rounds)
        own.flags = flags
        run.start_again()
        run.each(lambda one: run.note(one, "commit to visible, s", visible(one, time.time_ns())), 3)
        run.each(lambda one: run.note(one, "memory after, MiB", servers.memory_mb(one.pid)))
        run.hopeless()
        figures = run.figures()
    about["load after"] = servers.machine()["load before"]
    return {"about": about, "figures": figures, "questions": run.asked}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and write the reports as Markdown, JSON and a chart."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--work", type=Path, required=True, help="folder for data; kept")
    parser.add_argument("--initiatives", type=int, nargs="+", default=[10_000])
    parser.add_argument("--neighbours", nargs="*", choices=NEIGHBOURS, default=list(NEIGHBOURS))
    parser.add_argument("--peers", type=Path, help="environment with rdflib-endpoint")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each run of wrk")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--flags", default="", help="more flags of our service, in one text")
    parser.add_argument(
        "--no-publish", action="store_true", help="leave out the saved questions after a publish"
    )
    parser.add_argument("--remark", help="what else happened on the machine, for the report")
    parser.add_argument("--reports", type=Path, default=Path(__file__).parent / "reports")
    given = parser.parse_args(arguments)
    given.reports.mkdir(parents=True, exist_ok=True)
    done = []
    for initiatives in given.initiatives:
        found = measure(given, initiatives)
        if given.remark:
            found["about"]["remark"] = given.remark
        done.append(found)
        print(f"written to {report.write(found, given.reports)}")
    if len(done) > 1:
        print(f"written to {report.write_growth(done, given.reports)}")


if __name__ == "__main__":
    main()
