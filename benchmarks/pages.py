"""How fast pages are answered over many initiatives: the first time, and warm.

Asks a service over made-up data for the page and the document of a thing, pages of the catalogue
and pages of the explorer. Each is asked once, and then again some times; of a thing's page also
others that nobody asked for. The report holds medians of the time and of the processor's.

    python -m benchmarks.pages --work FOLDER --initiatives 100000

FOLDER keeps the data between runs, as `benchmarks.service` makes it. `--url` and `--pid` name a
service that runs already, since a large store may take long to open the first time.
"""

import argparse
import json
import statistics
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from benchmarks import servers
from benchmarks.generate import PER_ORGANISATION
from benchmarks.service import prepare

__all__ = ["main"]

_FLAGS: Final = ("--client-queries", "64", "--client-requests", "256")
_OTHERS: Final = 5
"""So many other things are asked for besides."""
_PATIENCE: Final = 120.0
_AIMS: Final = {"thing": 0.2, "catalogue": 1.0, "explorer": 0.3}
"""Seconds, warm."""


def addresses(initiatives: int) -> list[tuple[str, str, str]]:
    """What is asked for: its kind, its address, the media type."""
    organisation = max(1, initiatives // PER_ORGANISATION // 2)
    thing, slug = f"initiative/made-up-{organisation}-1", f"made-up-{organisation}"
    page = "text/html"
    return [
        ("thing", f"/page/{thing}", page),
        ("thing", f"/page/organisation/{slug}", page),
        ("thing", f"/doc/{thing}", "text/turtle"),
        ("catalogue", "/catalogue", page),
        ("catalogue", "/catalogue", "text/turtle"),
        ("catalogue", "/catalogue?page=2", "application/rdf+xml"),
        ("catalogue", "/dataset/all", page),
        ("catalogue", f"/dataset/organisation-{slug}", page),
        ("explorer", "/", page),
        ("explorer", f"/initiatives/made-up-{organisation}-1", page),
        ("explorer", f"/organisations/{slug}", page),
        ("explorer", "/board", page),
        ("explorer", "/board?country=DNK", page),
        ("explorer", "/barriers", page),
        ("explorer", "/barriers/lack-of-time", page),
        ("explorer", "/enablers", page),
        ("explorer", "/pathways", page),
        ("explorer", f"/compare?organisation={slug}&organisation=made-up-0", page),
        ("explorer", "/compare?country=DNK&country=SWE", page),
        ("explorer", "/search?q=made-up+7", page),
    ]


def asked(url: str, address: str, accept: str, pid: int) -> tuple[int, float, float, int]:
    """One answer: its status, its seconds, those of the processors, its bytes."""
    before, began = servers.processor_seconds(pid), time.perf_counter()
    request = urllib.request.Request(url + address, headers={"Accept": accept})
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:
            status, size = answer.status, len(answer.read())
    except urllib.error.HTTPError as error:
        status, size = error.code, len(error.read())
    took = time.perf_counter() - began
    return status, took, servers.processor_seconds(pid) - before, size


def measured(url: str, pid: int, initiatives: int, rounds: int) -> Iterator[dict[str, Any]]:
    """Each page: the first time and the median of those after it, in seconds."""
    for kind, address, accept in addresses(initiatives):
        status, first, first_used, size = asked(url, address, accept, pid)
        warm = [asked(url, address, accept, pid) for _ in range(rounds)]
        yield {
            "kind": kind,
            "page": f"{address} ({accept})",
            "status": status,
            "bytes": size,
            "first, s": first,
            "first, processor s": first_used,
            "warm, s": statistics.median(seconds for _, seconds, _, _ in warm),
            "warm, processor s": statistics.median(used for _, _, used, _ in warm),
            "aim, s": _AIMS[kind],
        }
    last = max(_OTHERS, initiatives // PER_ORGANISATION)
    for start, kind in (("/page/initiative/", "thing"), ("/initiatives/", "explorer")):
        others = [f"{start}made-up-{last * number // (_OTHERS + 1)}-0" for number in range(_OTHERS)]
        found = [asked(url, address, "text/html", pid) for address in others]
        yield {
            "kind": kind,
            "page": f"{start}… ({_OTHERS} that nobody asked for)",
            "status": max(status for status, _, _, _ in found),
            "bytes": max(size for _, _, _, size in found),
            "first, s": statistics.median(seconds for _, seconds, _, _ in found),
            "first, processor s": statistics.median(used for _, _, used, _ in found),
            "warm, s": None,
            "warm, processor s": None,
            "aim, s": _AIMS[kind],
        }


def written(about: dict[str, str], rows: Sequence[dict[str, Any]], folder: Path) -> Path:
    """Write the report as JSON and as Markdown; the page is returned."""
    stem = folder / f"pages-{about['initiatives']}-{about['date']}"
    told = json.dumps({"about": about, "pages": rows}, indent=1)
    stem.with_suffix(".json").write_text(told + "\n", encoding="utf-8")
    lines = ["# Pages over many initiatives", ""]
    lines += [f"- {name}: {value}" for name, value in about.items()]
    lines += ["", "Warm are medians; the processor's time is that of all processes of the service."]
    lines += ["", "| page | status | kB | first, s | processor | warm, s | processor | aim, s | |"]
    lines += ["| --- " * 9 + "|"]
    for row in rows:
        numbers = [row[name] for name in ("first, s", "first, processor s", "warm, s")]
        shown = [_shown(number) for number in (*numbers, row["warm, processor s"])]
        cells = [row["page"], row["status"], row["bytes"] >> 10, *shown, row["aim, s"], _told(row)]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    stem.with_suffix(".md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return stem.with_suffix(".md")


def _shown(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.3g}"


def _told(row: dict[str, Any]) -> str:
    """Whether the aim was reached: warm, and of what is asked once the first time."""
    found = row["first, s"] if row["warm, s"] is None else row["warm, s"]
    if row["status"] != 200:
        return "not answered"
    return "reached" if found <= row["aim, s"] else "missed"


@contextmanager
def _service(given: argparse.Namespace) -> Iterator[tuple[str, int]]:
    if given.url and given.pid:
        yield given.url.rstrip("/"), given.pid
        return
    given.work.mkdir(parents=True, exist_ok=True)
    data, _ = prepare(given.work, given.initiatives)
    with servers.ours(data, given.work / "pages.log", *_FLAGS, "--freshness", "off") as server:
        split = urlsplit(server.query)
        yield f"{split.scheme}://{split.netloc}", server.pid


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and write the report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--work", type=Path, default=Path("benchmark"), help="folder for data")
    parser.add_argument("--initiatives", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--url", help="of a service that runs already")
    parser.add_argument("--pid", type=int, help="its process")
    parser.add_argument("--remark", help="what else happened on the machine, for the report")
    parser.add_argument("--reports", type=Path, default=Path(__file__).parent / "reports")
    given = parser.parse_args(arguments)
    given.reports.mkdir(parents=True, exist_ok=True)
    about = {**servers.machine(), "initiatives": str(given.initiatives)}
    about["date"] = datetime.now(UTC).date().isoformat()
    if given.remark:
        about["remark"] = given.remark
    rows = []
    with _service(given) as (url, pid):
        for row in measured(url, pid, given.initiatives, given.rounds):
            rows.append(row)
            sys.stdout.write(f"{row['page']}: {_shown(row['first, s'])} s, ")
            sys.stdout.write(f"then {_shown(row['warm, s']) or '-'} s\n")
            sys.stdout.flush()
    about["load after"] = servers.machine()["load before"]
    sys.stdout.write(f"written to {written(about, rows, given.reports)}\n")


if __name__ == "__main__":
    main()
