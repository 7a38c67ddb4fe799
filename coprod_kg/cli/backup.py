"""``coprod-kg backup``, ``restore`` and ``dump``: the data as files."""

import sys
from pathlib import Path

import click

from coprod_kg.access import Private, hidden
from coprod_kg.cli.context import pass_settings
from coprod_kg.client.sources import open_store
from coprod_kg.settings import Settings
from coprod_kg.store.backup import back_up
from coprod_kg.store.backup import restore as put_back
from coprod_kg.store.directory import DataDirectory
from coprod_kg.store.dump import FORMATS
from coprod_kg.store.dump import dump as write_dump
from coprod_kg.store.snapshots import Snapshots
from coprod_kg.store.views import Views

__all__ = ["backup", "dump", "restore"]


@click.command(epilog="Example: coprod-kg backup /var/backups/coprod-2026-11-24")
@pass_settings
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def backup(settings: Settings, folder: Path) -> None:
    """Copy the data into a new folder, while the service runs or not.

    The copy holds the newest version, the bytes that were submitted and the tokens' hashes.
    """
    version = back_up(DataDirectory(settings.data), settings.base_iri, folder)
    click.echo(f"Version {version} is copied to {folder}.")


@click.command(epilog="Example: coprod-kg restore /var/backups/coprod-2026-11-24 --data new")
@pass_settings
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, path_type=Path))
def restore(settings: Settings, folder: Path) -> None:
    """Put a copy into an empty data directory, once every file of it is seen to be whole."""
    version = put_back(folder, DataDirectory(settings.data), settings.base_iri)
    click.echo(f"Version {version} is restored to {settings.data}.")


@click.command(epilog="Example: coprod-kg dump --format trig --output coprod.trig")
@pass_settings
@click.option(
    "--format",
    "-f",
    "name",
    type=click.Choice(list(FORMATS)),
    default="nquads",
    show_default=True,
    help="How to write it; both keep the graphs apart.",
)
@click.option("--output", "-o", type=click.Path(path_type=Path), help="Write to this file.")
@click.option("--version", type=int, metavar="N", help="An older version of the data.")
@click.option("--private", "whole", is_flag=True, help="Also what is private.")
def dump(
    settings: Settings, name: str, output: Path | None, version: int | None, *, whole: bool
) -> None:
    """Write every statement that everybody may see, with its graph, as N-Quads or TriG."""
    organisations = () if whole else Private(settings.data).organisations()
    views = Views(Snapshots(DataDirectory(settings.data).snapshots), settings.base_iri)
    with open_store(settings):
        reader = views.open(version, hidden(organisations, settings.base_iri))
        if output is None:
            write_dump(reader, name, sys.stdout.buffer)
            return
        with output.open("wb") as file:
            write_dump(reader, name, file)
