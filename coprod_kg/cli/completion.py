"""What a shell completes: the names of saved queries; it opens no store."""

import click

from coprod_kg.catalogue.queries import load

__all__ = ["complete_name"]


def complete_name(_context: click.Context, _argument: click.Parameter, begun: str) -> list[str]:
    """The saved queries whose names begin so."""
    return [name for name in load() if name.startswith(begun)]
