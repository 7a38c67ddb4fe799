"""How fast a service over many initiatives answers portals: over HTTP, the first time and warm.

10,000 initiatives are submitted. The others are copies of these (`benchmarks.multiply`), committed
250 organisations at a time, so that each version describes itself as it does anywhere. Then a real
service is asked for pages and documents of things, of the catalogue and of datasets: for one
address again and again, and for many different ones once. The report has the median and the 95th
percentile, the processor time of all processes of the service for each answer, its memory, and
what a commit of one organisation costs with the share that goes to describing the version.

    python -m benchmarks.portal --work FOLDER --initiatives 100000

FOLDER keeps the data between runs; an interrupted run goes on where it was.
"""

import argparse
import json
import re
import shutil
import statistics
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

import pyoxigraph as ox

from benchmarks import servers
from benchmarks.generate import PER_ORGANISATION
from benchmarks.multiply import shifted
from benchmarks.service import BASE, prepare
from coprod_kg.publishing.catalogue import describe
from coprod_kg.store.base import Change
from coprod_kg.store.changes import Changed
from coprod_kg.store.description import Description
from coprod_kg.store.directory import DataDirectory
from coprod_kg.store.durable import Durable

__all__ = ["main"]

_BATCH: Final = 250
_KEPT: Final = 3
_FLAGS: Final = (
    *("--client-queries", "64", "--client-requests", "256", "--freshness", "off"),
    # a fixed public address: another one would have every dataset described anew
    *("--public-url", "http://127.0.0.1:8000"),
)
_PATIENCE: Final = 120.0
_PUBLISHING: Final = 3600.0
"""Seconds until a service has started that describes all of its data anew."""
_PAGE: Final = 100
_LIMITS: Final = {"thing": 200.0, "catalogue": 1000.0, "dataset": 1000.0, "other": None}
"""Milliseconds that an answer may take, warm."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is asked for.

    Attributes:
        kind: decides the limit.
        name: what the report calls it.
        paths: one address that is asked for again and again, or many that are asked for once.
        accept: the media type.
    """

    kind: str
    name: str
    paths: tuple[str, ...]
    accept: str


def targets(initiatives: int, different: int) -> list[Target]:
    """Everything that is asked for: first single addresses, then many different ones."""
    organisations = max(1, initiatives // PER_ORGANISATION)
    pages = max(1, organisations // _PAGE)
    html, turtle, xml = "text/html", "text/turtle", "application/rdf+xml"
    middle = f"made-up-{organisations // 2}"
    batch = quote(json.dumps({"q0": {"query": f"Made-up {organisations // 2}"}}))
    single = [
        ("thing", f"/page/initiative/{middle}-1", html),
        ("thing", f"/doc/initiative/{middle}-1", turtle),
        ("thing", f"/page/organisation/{middle}", html),
        ("thing", f"/doc/organisation/{middle}", turtle),
        ("catalogue", "/catalogue", html),
        ("catalogue", "/catalogue.ttl", turtle),
        ("catalogue", f"/catalogue.ttl?page={min(2, pages)}", turtle),
        ("catalogue", f"/catalogue.rdf?page={pages}", xml),
        ("dataset", "/dataset/all", html),
        ("dataset", "/dataset/all", turtle),
        ("dataset", f"/dataset/organisation-{middle}", html),
        ("dataset", f"/dataset/organisation-{middle}", turtle),
        ("other", "/.well-known/void", turtle),
        ("other", "/sitemap.xml", "*/*"),
        ("other", "/versions", html),
        ("other", f"/reconcile?queries={batch}", "application/json"),
    ]
    found = [
        Target(kind, f"`{path.partition('?queries')[0]}` {accept}", (path,), accept)
        for kind, path, accept in single
    ]

    def spread(pattern: str, of: int) -> tuple[str, ...]:
        many = min(different, of)
        return tuple(pattern.format(1 + number * (of - 1) // many) for number in range(many))

    for kind, pattern, of, accept in (
        ("thing", "/page/initiative/made-up-{}-0", organisations, html),
        ("thing", "/doc/initiative/made-up-{}-2", organisations, turtle),
        ("catalogue", "/catalogue?page={}", pages, html),
        ("catalogue", "/catalogue.ttl?page={}", pages, turtle),
        ("dataset", "/dataset/organisation-made-up-{}", organisations, html),
    ):
        paths = spread(pattern, of)
        name = f"{len(paths)} different: `{pattern.replace('{}', '…')}` {accept}"
        found.append(Target(kind, name, paths, accept))
    return found


def data_described(work: Path, initiatives: int, submitted: int, kinds: Sequence[str]) -> Path:
    """A data directory whose catalogue was written by its commits.

    Args:
        work: folder that keeps it.
        initiatives: how many it holds.
        submitted: how many of them are submitted; the others are copies.
        kinds: the kinds of graphs that are copied.
    """
    count = min(initiatives, submitted)
    source, _ = prepare(work / str(count), count)
    if initiatives <= count:
        return source
    data = work / "data"
    if not data.exists():
        shutil.rmtree(work / "copy", ignore_errors=True)
        shutil.copytree(source, work / "copy", symlinks=True)
        # the list of queries and the address of the service come before the many datasets
        log = work / "portal.log"
        with servers.ours(work / "copy", log, *_FLAGS, patience=_PUBLISHING) as server:
            sys.stdout.write(f"{count} described anew: {server.start_seconds:.1f} s\n")
        (work / "copy").rename(data)
    directory = DataDirectory(data)
    with directory.locked(None):
        durable = Durable.open(directory, BASE, _KEPT, describe=describe)
        _copy(durable, count, initiatives, kinds)
    return data


def _copy(durable: Durable, submitted: int, initiatives: int, kinds: Sequence[str]) -> None:
    """Commit copies of the organisations that were submitted, kind of graph by kind of graph."""
    of, total = submitted // PER_ORGANISATION, initiatives // PER_ORGANISATION
    for kind in kinds:
        for start in range(of, total, _BATCH):
            numbers = range(start, min(total, start + _BATCH))
            last = ox.NamedNode(f"{BASE}graph/{kind}/made-up-{numbers[-1]}")
            if durable.store.contains_named_graph(last):
                continue
            graphs = dict(_copied(durable.store, kind, number, of) for number in numbers)
            began, used = time.perf_counter(), time.process_time()
            durable.commit([Change(replace={name: text for name, text in graphs.items() if text})])
            took, used = time.perf_counter() - began, time.process_time() - used
            sys.stdout.write(f"{kind} {numbers[-1]}: {took:.1f} s, processor {used:.1f} s\n")
            sys.stdout.flush()


def _copied(store: ox.Store, kind: str, number: int, of: int) -> tuple[str, bytes]:
    """A graph of an organisation as a copy of that of another one: its name, its N-Triples."""
    source = ox.NamedNode(f"{BASE}graph/{kind}/made-up-{number % of}")
    triples = (quad.triple for quad in store.quads_for_pattern(None, None, None, source))
    lines = ox.serialize(triples, format=ox.RdfFormat.N_TRIPLES) or b""
    text = shifted(lines.decode(), number // of * of)
    return f"{BASE}graph/{kind}/made-up-{number}", text.encode()


def answer(url: str, path: str, accept: str) -> tuple[int, float, int]:
    """One answer over a connection of its own: status, milliseconds, bytes."""
    request = urllib.request.Request(url + path, headers={"Accept": accept})
    began = time.perf_counter()
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE) as response:
            status, size = response.status, len(response.read())
    except urllib.error.HTTPError as error:
        status, size = error.code, len(error.read())
    return status, 1000 * (time.perf_counter() - began), size


def measured(url: str, pid: int, target: Target, rounds: int) -> dict[str, Any]:
    """What a target takes: the first time, and asked again.

    Of many different addresses each is asked for once and once again, since what counts for them
    is an address that no cache knows.
    """
    before = servers.processor_seconds(pid)
    first = [answer(url, path, target.accept) for path in target.paths]
    between = servers.processor_seconds(pid)
    single = len(target.paths) == 1
    again = [answer(url, path, target.accept) for path in target.paths * (rounds if single else 1)]
    after = servers.processor_seconds(pid)
    limit = _LIMITS[target.kind]
    return {
        "target": target.name,
        "status": max(status for status, _, _ in (*first, *again)),
        "kB": round(max(size for _, _, size in first) / 1024),
        "first, ms": _middle(first),
        "first p95, ms": None if single else _high(first),
        "first, processor ms": 1000 * (between - before) / len(first),
        "warm, ms": _middle(again),
        "warm p95, ms": _high(again),
        "warm, processor ms": 1000 * (after - between) / len(again),
        "limit, ms": limit,
        "reached": limit is None or _middle(again if single else first) <= limit,
    }


def _middle(answers: Sequence[tuple[int, float, int]]) -> float:
    return statistics.median(took for _, took, _ in answers)


def _high(answers: Sequence[tuple[int, float, int]]) -> float:
    """The 95th percentile, by nearest rank."""
    ordered = sorted(took for _, took, _ in answers)
    return ordered[-(-len(ordered) * 95 // 100) - 1]


def memory(pid: int) -> dict[str, list[float]]:
    """The most memory that each process of the service ever held, in MiB, by its module."""
    found: dict[str, list[float]] = {}
    for process in servers.family(pid):
        try:
            words = Path(f"/proc/{process}/cmdline").read_bytes().decode().split("\0")
            status = Path(f"/proc/{process}/status").read_text()
        except OSError:  # it ended meanwhile
            continue
        name = next((word for word in words if word.startswith("coprod_kg.")), "process")
        peak = re.search(r"VmHWM:\s+(\d+)", status)
        if peak:
            found.setdefault(name.removeprefix("coprod_kg."), []).append(int(peak[1]) / 1024)
    return found


class _TimedDescription(Description):
    """A description that adds up the processor time that it takes."""

    __slots__ = ("used",)

    def prepare(self, changes: Sequence[Change]) -> Sequence[Change]:
        began = time.process_time()
        changes = super().prepare(changes)
        self.used = time.process_time() - began
        return changes

    def describe_changes(
        self, changes: Sequence[Change], version: int, made: datetime, tags: Mapping[str, int]
    ) -> Changed:
        began = time.process_time()
        changed = super().describe_changes(changes, version, made, tags)
        self.used += time.process_time() - began
        return changed


def commits(data: Path, rounds: int) -> dict[str, float]:
    """What a commit that changes one organisation costs, in processor milliseconds (medians)."""
    directory = DataDirectory(data)
    whole, share, wall = list[float](), list[float](), list[float]()
    with directory.locked(None):
        durable = Durable.open(directory, BASE, _KEPT, describe=describe)
        timed = _TimedDescription(durable.store, BASE, describe)
        timed.load_counts(durable.version())
        durable.description = timed
        name, lines = _copied(durable.store, "organisation", 0, 1)
        for number in range(rounds, -1, -1):  # at the end it is as it was
            label = f"Made-up 0 ({number})" if number else "Made-up 0"
            changed = re.sub(rb'"Made-up 0[^"]*"@en', f'"{label}"@en'.encode(), lines)
            began, used = time.perf_counter(), time.process_time()
            durable.commit([Change(replace={name: changed})])
            wall.append(1000 * (time.perf_counter() - began))
            whole.append(1000 * (time.process_time() - used))
            share.append(1000 * timed.used)
    return {
        "wall ms": statistics.median(wall),
        "processor ms": statistics.median(whole),
        "of it for the description": statistics.median(share),
    }


def written(about: dict[str, str], found: Mapping[str, Any], folder: Path) -> Path:
    """Write the report as JSON and as Markdown; the page is returned."""
    stem = folder / f"portal-{about['initiatives']}-{about['date']}"
    told = json.dumps({"about": about, **found}, indent=1)
    stem.with_suffix(".json").write_text(told + "\n", encoding="utf-8")
    lines = ["# A portal's requests over many initiatives, over HTTP", ""]
    lines += [f"- {name}: {value}" for name, value in about.items()]
    lines += [
        "",
        "Milliseconds; medians and 95th percentiles. Each request has a connection of its own.",
        "Processor is the time of all processes of the service for one answer. Of many different",
        "addresses the first time is held to the limit, of a single one the time once it is warm.",
        "",
        "| asked for | status | kB | first | p95 | processor | warm | p95 | processor | limit | |",
        "| --- " * 11 + "|",
    ]
    numbers = ("first, ms", "first p95, ms", "first, processor ms", "warm, ms", "warm p95, ms")
    for row in found["answers"]:
        shown = [_shown(row[name]) for name in (*numbers, "warm, processor ms", "limit, ms")]
        judged = "" if row["limit, ms"] is None else "reached" if row["reached"] else "missed"
        cells = [row["target"], row["status"], row["kB"], *shown, judged]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    lines += ["", "Most memory that each process held, in MiB:", ""]
    for name, peaks in found["memory"].items():
        lines.append(f"- `{name}`: {', '.join(_shown(peak) for peak in sorted(peaks))}")
    lines += ["", "A commit that changes one organisation, medians:", ""]
    lines += [f"- {name}: {_shown(value)}" for name, value in found["commit"].items()]
    stem.with_suffix(".md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return stem.with_suffix(".md")


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}" if value >= 10 else f"{value:.1f}"


def _answers(url: str, pid: int, given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    for target in targets(given.initiatives, given.different):
        row = measured(url, pid, target, given.rounds)
        yield row
        sys.stdout.write(f"{row['target']}: {_shown(row['first, ms'])} ms, then ")
        sys.stdout.write(f"{_shown(row['warm, ms'])} ms, status {row['status']}\n")
        sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and write the report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--work", type=Path, default=Path("benchmark"), help="folder for data")
    parser.add_argument("--initiatives", type=int, default=10_000)
    parser.add_argument("--submitted", type=int, default=10_000, help="the others are copies")
    parser.add_argument("--conclusions", action="store_true", help="copy what was concluded too")
    parser.add_argument("--rounds", type=int, default=20, help="answers of one address, warm")
    parser.add_argument("--different", type=int, default=100, help="addresses of many")
    parser.add_argument("--remark", help="what else happened on the machine, for the report")
    parser.add_argument("--reports", type=Path, default=Path(__file__).parent / "reports")
    given = parser.parse_args(arguments)
    given.work.mkdir(parents=True, exist_ok=True)
    given.reports.mkdir(parents=True, exist_ok=True)
    kinds = ("organisation", "assessment") if given.conclusions else ("organisation",)
    data = data_described(given.work, given.initiatives, given.submitted, kinds)
    about = {**servers.machine(), "initiatives": str(given.initiatives)}
    about["date"] = datetime.now(UTC).date().isoformat()
    copied = "with" if given.conclusions else "without"
    about["data"] = f"{given.submitted} submitted, the others copies {copied} conclusions"
    if given.remark:
        about["remark"] = given.remark
    log = given.work / "portal.log"
    with servers.ours(data, log, *_FLAGS, patience=_PUBLISHING) as server:
        about["start to first answer"] = f"{server.start_seconds:.1f} s"
        split = urlsplit(server.query)
        url = f"{split.scheme}://{split.netloc}"
        rows = list(_answers(url, server.pid, given))
        peaks = memory(server.pid)
    found = {"answers": rows, "memory": peaks, "commit": commits(data, given.rounds)}
    about["load after"] = servers.machine()["load before"]
    sys.stdout.write(f"written to {written(about, found, given.reports)}\n")


if __name__ == "__main__":
    main()
