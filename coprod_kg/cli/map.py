"""``coprod-kg map``: other people's tables turned into RDF by an RML mapping."""

import sys
from pathlib import Path

import click

from coprod_kg.cli.context import setting_options
from coprod_kg.errors import WrongUsage
from coprod_kg.ingest.mapping import Mapping, apply
from coprod_kg.settings import Settings

__all__ = ["map_sources"]


@click.command(
    "map",
    epilog="Example: coprod-kg map mapping.rml.ttl cases.json -o mapped.ttl "
    "--engine rml/bin/python",
)
@setting_options("submission_seconds", "submission_memory_mb", "body_mb")
@click.option(
    "-o",
    "--output",
    metavar="FILE.ttl",
    type=click.Path(path_type=Path),
    required=True,
    help="Where to write the Turtle.",
)
@click.option(
    "--engine",
    metavar="PYTHON",
    envvar="COPROD_RML_ENGINE",
    default=sys.executable,
    type=click.Path(path_type=Path),
    help="The Python that has morph-kgc; it needs an environment of its own.",
)
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@click.argument("mapping", metavar="MAPPING", type=click.Path(path_type=Path))
@click.argument(
    "sources", metavar="SOURCE…", nargs=-1, required=True, type=click.Path(path_type=Path)
)
def map_sources(
    settings: Settings,
    *,
    mapping: Path,
    sources: tuple[Path, ...],
    output: Path,
    engine: Path,
    force: bool,
) -> None:
    """Make Turtle of other people's data with an RML mapping, to be submitted like any file.

    The mapping finds each SOURCE by its name, the CSV files beside it, and vocabulary.csv with
    all concepts of this installation. A mapping is a program: run one only that you have read.

    What a lookup of the mapping does not find is told on standard error: its place and value.

    Exit codes: 0 done, 1 it was stopped by a limit, 2 wrong usage or a mapping that does not run.
    """
    if output.exists() and not force:
        raise WrongUsage(f"{output} is there already", fix="Name another, or add --force.")
    mapped = apply(Mapping(mapping, sources, engine), settings)
    try:
        output.write_text(mapped.turtle, encoding="utf-8")
    except OSError as error:
        raise WrongUsage(f"it cannot be written: {error.strerror}", where=str(output)) from None
    for word in mapped.unmatched:
        click.echo(str(word), err=True)
    click.echo(f"The mapped data is written to {output}")
