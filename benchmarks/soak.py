"""Fifty clients, good and hostile, and writers by every road for half an hour; then kills.

Each good answer is compared with what the engine says of the same data in this process. Memory,
threads, file handles and snapshots of the long-lived processes are watched. Writers look for
all that was acknowledged (`benchmarks.writers`), also while processes are killed
(`benchmarks.killing`). It ends with a verdict, and with 1 where something leaked, was lost, or an
answer was wrong.

    python benchmarks/soak.py --work FOLDER [--minutes 30] [--initiatives 400]

Every client has a loopback address of its own, as clients have.
"""

import argparse
import json
import multiprocessing
import statistics
import sys
import time
import urllib.parse
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

import pyoxigraph as ox

from benchmarks import generate, servers, service
from benchmarks.clients import Ask, canonical, clients, probe
from benchmarks.killing import killing
from benchmarks.watching import Watch
from benchmarks.writers import writing
from coprod_kg.queries.library import load
from coprod_kg.settings import Settings
from coprod_kg.store.base import Change
from coprod_kg.store.directory import DataDirectory
from coprod_kg.store.local import LocalStore
from coprod_kg.store.snapshots import Snapshots

__all__ = ["main"]

_CLIENTS = 50
_PROCESSES = 5
_AIM_MS = 250.0
_SETTLE_SECONDS = 8.0


def expected(data: Path, count: int) -> list[Ask]:
    """Questions with the answers that the engine gives in this process; the last has all rows."""
    snapshots = Snapshots(DataDirectory(data).snapshots)
    version = snapshots.current()
    snapshots.tag(version, f"soak-{time.time_ns()}")  # so that it can be asked to the end
    reader = snapshots.open(version)
    texts = [load()[name].bind({}, service.BASE) for name in service.MIX]
    for number in range(0, count, max(1, count // 150)):
        organisation, place = divmod(number, generate.PER_ORGANISATION)
        iri = f"{service.BASE}id/initiative/made-up-{organisation}-{place}"
        texts.append(f"SELECT ?p ?o WHERE {{ <{iri}> ?p ?o }}")
    asks = []
    for place, text in enumerate(texts):
        found = reader.store.query(text)  # over the merge of all graphs
        written = found.serialize(format=ox.QueryResultsFormat.JSON)  # type: ignore[arg-type]  # all are SELECT
        rows = canonical(json.loads(written or b"")["results"]["bindings"])
        asks.append(Ask(text, rows, version if place < len(service.MIX) else None))
    everything = "SELECT ?s ?p ?o { ?s ?p ?o }"
    found = reader.store.query(everything)
    assert isinstance(found, ox.QuerySolutions)
    count = sum(1 for _ in found)
    asks.append(Ask(everything, str(count), version))
    reader.close()
    return asks


def verdict(found: dict[str, Any], watch: Watch) -> tuple[list[str], list[str]]:
    """The report's lines, and what is wrong."""
    times = sorted(found["times"]) or [0.0]
    p99 = times[int(len(times) * 0.99)]
    aim = "met" if p99 <= _AIM_MS else "missed"
    lines = [
        f"- {len(times)} timed lookups: median {statistics.median(times):.1f} ms, p99 {p99:.1f} ms"
        f" (aim of {_AIM_MS:g} ms {aim})",
        f"- {found['commits']} commits of the same graph, and those of the writers, meanwhile",
        "",
        "| kind of request: status | times |",
        "| --- | --- |",
        *(f"| {name} | {number} |" for name, number in sorted(found["told"].items())),
    ]
    lines += ["", "| process killed, during which write | times |", "| --- | --- |"]
    lines += [f"| {name} | {number} |" for name, number in sorted(found["killed"].items())]
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
        multiprocessing.Process(
            target=clients,
            args=(range(number * each, (number + 1) * each), port, asks, until, told),
        )
        for number in range(_PROCESSES)
    ]
    children.append(multiprocessing.Process(target=probe, args=(port, asks, until, told)))
    token, count = server.token or "", given.writers
    children.append(multiprocessing.Process(target=writing, args=(count, port, token, until, told)))
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
    parts = [told.get(timeout=600) for _ in children]
    for child in children:
        child.join()
    time.sleep(_SETTLE_SECONDS)
    watch.rest()
    after, wrong, killed = killing(server.pid, port, token, given.killing, count)
    parts.append({"told": {f"{name}, killing": one for name, one in after.items()}, "wrong": wrong})
    found = {
        "killed": killed,
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
    parser.add_argument("--writers", type=int, default=3, help="writers by every road")
    parser.add_argument("--killing", type=float, default=5.0, help="minutes of kills at the end")
    parser.add_argument("--reports", type=Path, default=Path(__file__).parent / "reports")
    given = parser.parse_args(arguments)
    given.work.mkdir(parents=True, exist_ok=True)
    about = servers.machine()
    data, _ = service.prepare(given.work, given.initiatives)
    with servers.ours(data, given.work / "soak.log", "--query-seconds", "10") as server:
        lines, faults = run(server, data, given)
    day = datetime.now(UTC).date().isoformat()
    ends = [f"- FAULT: {one}" for one in faults] or ["- no leak, no wrong answer, nothing lost"]
    head = ["# Soak", "", f"{given.minutes:g} minutes, {_CLIENTS} clients, {given.initiatives}"]
    head[-1] += f" initiatives, {day}"
    text = "\n".join([*head, "", *(f"- {k}: {v}" for k, v in about.items()), *lines, "", *ends])
    given.reports.mkdir(parents=True, exist_ok=True)
    (given.reports / f"soak-{day}.md").write_text(text + "\n", encoding="utf-8")
    print(text)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
