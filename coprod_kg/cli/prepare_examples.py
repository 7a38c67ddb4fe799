"""``coprod-kg prepare-examples``: the example data, checked at set-up for later first starts."""

import click

from coprod_kg.cli.context import setting_options
from coprod_kg.examples import prepare_examples as prepare
from coprod_kg.settings import Settings

__all__ = ["prepare_examples"]


@click.command(epilog="Example: coprod-kg prepare-examples")
@setting_options("base_iri")
def prepare_examples(settings: Settings) -> None:
    """Check the example data now, so that a first start need not.

    What is made stays in the Python environment, and is used until a program, the model, the
    example data, a library or a setting that they depend on is another.
    """
    click.echo(f"The example data are checked, and kept in {prepare(settings)}.")
