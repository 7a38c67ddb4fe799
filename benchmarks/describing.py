"""What it costs that each version describes itself, and how fast portals are answered.

Makes up organisations, commits them with and without a description, and then changes one
organisation at a time; asks the described store for the pages that portals and people take.

    python benchmarks/describing.py --initiatives 10000
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pyoxigraph as ox

from benchmarks.generate import PER_ORGANISATION, organisation
from coprod_kg.publishing.catalogue import describe
from coprod_kg.settings import Settings
from coprod_kg.store.base import Change
from coprod_kg.store.directory import DataDirectory
from coprod_kg.store.durable import Durable
from coprod_kg.store.local import serving
from coprod_kg.web import create_app

__all__ = ["main"]

BASE = "https://w3id.org/coprod/"
_BATCH = 250
_TIMES = 15


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--initiatives", type=int, default=10_000)
    given = parser.parse_args(arguments)
    count = max(1, given.initiatives // PER_ORGANISATION)
    with tempfile.TemporaryDirectory() as folder:
        for name, described in (("plain", False), ("described", True)):
            _commits(Path(folder) / name, count, described=described)
        _pages(Path(folder) / "described", count)


def _commits(data: Path, count: int, *, described: bool) -> None:
    directory = DataDirectory(data)
    with directory.locked(None):
        durable = Durable.open(directory, BASE, 3, describe=describe if described else None)
        began = time.perf_counter()
        for start in range(0, count, _BATCH):
            numbers = range(start, min(count, start + _BATCH))
            durable.commit([Change(replace=dict(_graph(number, 1) for number in numbers))])
        loaded = time.perf_counter() - began
        changes = [Change(replace=dict([_graph(0, 2 + turn)])) for turn in range(_TIMES)]
        small = [_seconds(partial(durable.commit, [change])) for change in changes]
        triples = sum(
            1 for _ in durable.store.quads_for_pattern(None, None, None, ox.DefaultGraph())
        )
    word = "described" if described else "not described"
    told = f"{word}: {count} organisations, {triples:,} statements, loaded in {loaded:.1f} s"
    sys.stdout.write(f"{told}; one changed in {statistics.median(small) * 1000:.0f} ms (median)\n")


def _graph(number: int, seed: int) -> tuple[str, bytes]:
    text = organisation(number, seed)
    quads = ox.parse(text, format=ox.RdfFormat.TURTLE, base_iri=BASE)
    lines = ox.serialize((quad.triple for quad in quads), format=ox.RdfFormat.N_TRIPLES) or b""
    return f"{BASE}graph/organisation/made-up-{number}", lines


def _pages(data: Path, count: int) -> None:
    settings = Settings.load({"data": data, "keep_versions": 3}, {})
    with serving(settings) as service:
        client = create_app(service.store, settings).test_client()
        for address, accept in (
            ("/catalogue", "text/turtle"),
            ("/catalogue?page=2", "application/rdf+xml"),
            ("/dataset/all", "text/html"),
            (f"/dataset/organisation-made-up-{count // 2}", "text/html"),
            (f"/page/initiative/made-up-{count // 2}-1", "text/html"),
            (f"/doc/initiative/made-up-{count // 2}-1", "text/turtle"),
            ("/.well-known/void", "text/turtle"),
            ("/sitemap.xml", "*/*"),
        ):

            def ask(address: str = address, accept: str = accept) -> None:
                client.get(address, headers={"Accept": accept}, buffered=True).get_data()

            cold = _seconds(ask)
            warm = statistics.median(_seconds(ask) for _ in range(3))
            told = f"{address} {accept}: {cold * 1000:.0f} ms, then {warm * 1000:.0f} ms\n"
            sys.stdout.write(told)


def _seconds(what: Callable[[], object]) -> float:
    began = time.perf_counter()
    what()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
