"""``coprod-kg migrate``: the data from a data directory to an engine, or the other way round."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace

import click

from coprod_kg.cli.context import setting_options
from coprod_kg.errors import WrongUsage
from coprod_kg.settings import Settings
from coprod_kg.store.directory import DataDirectory
from coprod_kg.store.durable import Durable
from coprod_kg.store.identity import Identity
from coprod_kg.store.remote import control
from coprod_kg.store.remote.client import Engine
from coprod_kg.store.remote.initial_copy import copied
from coprod_kg.store.remote.migration import MovedGraph, compare, move
from coprod_kg.store.remote.pair import Pair
from coprod_kg.store.snapshots import Snapshots
from coprod_kg.store.upgrades import upgrade

__all__ = ["migrate"]


@click.command(epilog="Example: coprod-kg migrate --to http://127.0.0.1:3030/kg --data data")
@setting_options("data", "base_iri", "store_engine", "store_token")
@click.option("--to", "target", metavar="URL", help="The dataset of an engine, still empty.")
@click.option("--from", "source", metavar="URL", help="The dataset of an engine that has the data.")
def migrate(settings: Settings, target: str | None, source: str | None) -> None:
    """Move the newest version to an engine, or from there to an empty data directory.

    Each graph is compared on both sides: how many triples it has, and the SHA-256 of them in
    canonical form. A run that was broken off goes on where it was. No service may run on the data
    directory meanwhile.
    """
    if (target is None) == (source is None):
        raise WrongUsage(
            "say where the data goes", fix="Write either --to or --from and the address."
        )
    settings = replace(settings, store=target or source or "")
    directory = DataDirectory(settings.data.resolve())
    engine = Engine.of(settings)
    if engine is None:
        raise WrongUsage("the address of the engine is empty")
    if source is not None:
        os.umask(0o077)
        with directory.locked():
            _print_graphs(*_fetch_graphs(directory, engine, settings))
        return
    directory.check_there()
    with directory.locked():
        snapshots = Snapshots(directory.snapshots)
        reader = snapshots.open(snapshots.current())
        identity = Identity.read(directory.root)
        _print_graphs(move(reader, engine, identity, settings.base_iri), reader.version)


def _fetch_graphs(
    directory: DataDirectory, engine: Engine, settings: Settings
) -> tuple[Iterator[MovedGraph], int]:
    """The graphs of the engine, in a directory that is held, and their version."""
    snapshots, base_iri = Snapshots(directory.snapshots), settings.base_iri
    holds_version = snapshots.versions()[-1:] not in ((), (0,))
    if holds_version and not directory.paired.exists():
        raise WrongUsage(
            f"{directory.root} holds a store already",
            fix="Name another directory with --data.",
        )
    if not control.version(engine):
        raise WrongUsage(f"the engine at {engine.url} holds no version")
    graphs_before = copied(directory) or ()
    upgrade(directory, base_iri)
    pair = Pair.of(engine, directory, base_iri)
    Durable.open(directory, base_iri, settings.keep_versions, settings.keep_cited, pair=pair)
    reader = snapshots.open(snapshots.current())
    graphs = compare(reader, engine)
    marked = (
        replace(moved, before=holds_version or moved.graph in graphs_before) for moved in graphs
    )
    return marked, reader.version


def _print_graphs(graphs: Iterable[MovedGraph], version: int) -> None:
    counts = list[int]()
    for moved in graphs:
        counts.append(moved.triples)
        note = ", moved before" if moved.before else ""
        click.echo(f"{moved.triples:>12,}  {moved.digest[:16]}  {moved.graph}{note}")
    click.echo(
        f"Version {version}: {len(counts)} graphs, {sum(counts):,} triples, the same on both sides."
    )
