"""``coprod-kg migrate``: the data from a data directory to an engine, or the other way round."""

from collections.abc import Iterable
from dataclasses import replace

import click

from coprod_kg.cli.context import setting_options
from coprod_kg.errors import WrongUsage
from coprod_kg.settings import Settings
from coprod_kg.store.directory import DataDirectory
from coprod_kg.store.identity import Identity
from coprod_kg.store.local import connect
from coprod_kg.store.remote.client import Engine
from coprod_kg.store.remote.migration import MovedGraph, compare, move
from coprod_kg.store.snapshots import Snapshots

__all__ = ["migrate"]


@click.command(epilog="Example: coprod-kg migrate --to http://127.0.0.1:3030/kg --data data")
@setting_options("data", "base_iri", "store_engine", "store_token")
@click.option("--to", "target", metavar="URL", help="The dataset of an engine, still empty.")
@click.option("--from", "source", metavar="URL", help="The dataset of an engine that has the data.")
def migrate(settings: Settings, target: str | None, source: str | None) -> None:
    """Move the newest version to an engine, or from there to an empty data directory.

    Each graph is compared on both sides: how many triples it has, and the SHA-256 of them in
    canonical form. A run to an engine that was broken off goes on where it was. No service may run
    on the data directory meanwhile.
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
    snapshots = Snapshots(directory.snapshots)
    if source is not None:
        if directory.store.exists() and snapshots.versions()[-1:] not in ((), (0,)):
            raise WrongUsage(
                f"{directory.root} holds a store already",
                fix="Name another directory with --data.",
            )
        with connect(settings, create=True):
            _tell(compare(snapshots.open(snapshots.current()), engine), snapshots.current())
        return
    directory.check_there()
    with directory.locked():
        reader = snapshots.open(snapshots.current())
        identity = Identity.read(directory.root)
        _tell(move(reader, engine, identity, settings.base_iri), reader.version)


def _tell(graphs: Iterable[MovedGraph], version: int) -> None:
    counts = list[int]()
    for moved in graphs:
        counts.append(moved.triples)
        told = ", moved before" if moved.before else ""
        click.echo(f"{moved.triples:>12,}  {moved.digest[:16]}  {moved.graph}{told}")
    click.echo(
        f"Version {version}: {len(counts)} graphs, {sum(counts):,} triples, the same on both sides."
    )
