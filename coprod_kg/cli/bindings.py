"""Arguments ``NAME -p KEY=VALUE``: a saved query and the values of its parameters."""

from collections.abc import Callable, Sequence
from typing import Any

import click

from coprod_kg.cli.completion import complete_name, complete_parameter
from coprod_kg.errors import WrongUsage

__all__ = ["bound", "question_arguments"]


def question_arguments(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``name``, a saved query, and ``params``, what its parameters are bound to."""
    option = click.option(
        "-p",
        "--param",
        "params",
        multiple=True,
        metavar="KEY=VALUE",
        help="Bind a parameter; repeat.",
        shell_complete=complete_parameter,
    )
    return click.argument("name", shell_complete=complete_name)(option(command))


def bound(params: Sequence[str]) -> dict[str, list[str]]:
    """The values in pairs, several for a key that is there several times.

    Raises:
        WrongUsage: one is no such pair.

    >>> bound(["stage=project", "stage=culture"])
    {'stage': ['project', 'culture']}
    """
    values: dict[str, list[str]] = {}
    for pair in params:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise WrongUsage(f"{pair!r} is not KEY=VALUE", where="-p", fix="Write -p stage=project")
        values.setdefault(key, []).append(value)
    return values
