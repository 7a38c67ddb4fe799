"""Counts the modules that a real request passes, on each of the four roads through this program.

    python docs/roads.py            one line a road, and the modules of each process
    python docs/roads.py --counts   the counts alone

A service is started with a profiler in each of its processes (a ``sitecustomize`` on their path),
empty, since under a profiler the example data are checked for minutes. The profiler notes every
module of `coprod_kg` whose functions run while a road is travelled. Each is travelled once before,
so that what runs at the start, at a first request, or all the time is not counted.
"""

import argparse
import mmap
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

TOP = Path(__file__).resolve().parents[1]
START_SECONDS = 120
QUIET_SECONDS = 5
"""After so long the saved queries have run over a version, and what was needed has started."""
RUNS = "queries.runs."
PROFILER = """
import mmap, os, sys, threading
_folder = os.path.dirname(os.path.abspath(__file__))  # a child has no environment of ours
with open(os.path.join(_folder, "road"), "r+b") as _file:
    _road = mmap.mmap(_file.fileno(), 1)
_seen = set()
def _note(frame, event, argument):
    road = _road[0]
    if road and event == "call":
        name = frame.f_globals.get("__name__", "")
        if name == "__main__":
            name = getattr(frame.f_globals.get("__spec__"), "name", name)
        if name.startswith("coprod_kg") and (road, name, os.getpid()) not in _seen:
            _seen.add((road, name, os.getpid()))
            line = f"{os.getpid()} {name} {frame.f_code.co_name}\\n".encode()
            with open(os.path.join(_folder, f"road-{road}"), "ab", buffering=0) as notes:
                notes.write(line)
threading.setprofile(_note)
sys.setprofile(_note)
"""
WORKBOOK = TOP / "tests" / "workbooks" / "municipality.xlsx"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ROADS = ("a submission", "a saved query", "a SPARQL text", "an IRI")
QUERY = "SELECT ?s WHERE { ?s a <https://w3id.org/coprod/ontology#Initiative> } LIMIT 1"


def main() -> None:
    """Travel each road once and say what was passed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--counts", action="store_true")
    alone = options.parse_args().counts
    for road, passed in travelled().items():
        modules = sorted({module for found in passed.values() for module in found})
        print(f"{road}: {len(modules)} modules")
        for process, found in [] if alone else sorted(passed.items()):
            print(f"    process {process}: {', '.join(found)}")


def travelled() -> dict[str, dict[str, list[str]]]:
    """Road → process → the modules of `coprod_kg` that it passed, in the order of their calls."""
    with (
        tempfile.TemporaryDirectory() as scratch,
        _service(Path(scratch)) as (address, token, road),
    ):
        sent = {"Authorization": f"Bearer {token}", "Content-Type": XLSX}
        workbook = WORKBOOK.read_bytes()
        before = (
            urllib.request.Request(f"{address}/submissions?dry_run=1", workbook, sent),
            urllib.request.Request(f"{address}/queries/coverage.csv"),
            urllib.request.Request(f"{address}/sparql?query={quote(QUERY + '0')}"),
            urllib.request.Request(f"{address}/graph/ontology"),
        )
        requests = (
            urllib.request.Request(f"{address}/submissions", workbook, sent),
            urllib.request.Request(f"{address}/queries/barriers-overall.csv"),
            urllib.request.Request(f"{address}/sparql?query={quote(QUERY)}"),
            urllib.request.Request(f"{address}/id/organisation/vestkyst-kommune"),
        )
        for name, request in zip(ROADS, before, strict=True):
            _travel(name, request)
        found = {}
        for number, (name, request) in enumerate(zip(ROADS, requests, strict=True), 1):
            time.sleep(QUIET_SECONDS)
            road[0] = number
            _travel(name, request)
            road[0] = 0
            found[name] = dict(_passed(Path(scratch) / f"road-{number}"))
        return found


def _travel(name: str, request: urllib.request.Request) -> None:
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            answer.read()
    except urllib.error.HTTPError as refused:
        raise SystemExit(f"{name}: {refused.read().decode()}") from None


@contextmanager
def _service(scratch: Path) -> Iterator[tuple[str, str, mmap.mmap]]:
    """A profiled service: its address, a curator's token, and the byte that names the road."""
    (scratch / "sitecustomize.py").write_text(PROFILER)
    (scratch / "road").write_bytes(b"\0")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "PYTHONPATH": f"{scratch}:{TOP}",
        "COPROD_DATA": str(scratch / "data"),
        "COPROD_WEB_WORKERS": "1",
        "COPROD_WORKERS": "1",
    }
    command = [sys.executable, "-m", "coprod_kg.cli.__main__"]
    serving = subprocess.Popen(
        [*command, "serve", "--no-example", "--port", str(port)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        address = f"http://127.0.0.1:{port}"
        _wait(address)
        made = subprocess.run(
            [*command, "token", "create", "roads", "--curator"],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        with (scratch / "road").open("r+b") as file:
            yield address, made.stdout.split()[-1], mmap.mmap(file.fileno(), 1)
    finally:
        serving.terminate()
        serving.wait(60)


def _wait(address: str) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"{address}/readyz", timeout=10):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    raise SystemExit("the service did not start")


def _passed(path: Path) -> Iterator[tuple[str, list[str]]]:
    processes: dict[str, list[str]] = {}
    for line in path.read_text().splitlines():
        process, module, _ = line.split(maxsplit=2)
        processes.setdefault(process, []).append(module.removeprefix("coprod_kg."))
    # The saved queries are run anew after each version; no request waits for them.
    yield from (
        (process, found)
        for process, found in processes.items()
        if not any(module.startswith(RUNS) for module in found)
    )


if __name__ == "__main__":
    main()
