"""What commands share before they begin: flags that are settings, and ``NAME -p KEY=VALUE``."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any, TypeVar

import click

from coprod_kg.cli.completion import complete_name, complete_parameter
from coprod_kg.errors import WrongUsage
from coprod_kg.settings import Settings

__all__ = [
    "parameter_values",
    "pass_settings",
    "question_arguments",
    "setting_options",
]


_Command = TypeVar("_Command", bound=Callable[..., Any])


def setting_options(*names: str) -> Callable[[_Command], Callable[..., Any]]:
    """Give a command the flags of some settings, and the `Settings` as its first argument.

    A flag that is not given leaves the setting to the environment, the file and the default.

    Args:
        names: the settings; all of them where none is named.
    """
    settings_by_name = {field.name: field for field in fields(Settings)}
    names = names or tuple(settings_by_name)

    def decorate(command: _Command) -> Callable[..., Any]:
        @functools.wraps(command)
        def call(*args: Any, **kwargs: Any) -> Any:
            values = {name: kwargs.pop(f"setting_{name}") for name in names}
            overrides = {name: None if value == () else value for name, value in values.items()}
            return command(Settings.load(overrides), *args, **kwargs)

        for name in reversed(names):
            setting = settings_by_name[name]
            default: Any = setting.default
            is_list = isinstance(default, tuple)
            if is_list:
                default = " ".join(default)
            default_note = f"  [default: {default}]" if default not in (None, "") else ""
            option = click.option(
                f"--{name.replace('_', '-')}",
                f"setting_{name}",
                metavar=_METAVARS.get(setting.type, "TEXT"),
                multiple=is_list,  # a second one adds to the first
                help=f"{_sentence(str(setting.metadata['help']))}{default_note}",
            )
            call = option(call)
        return call

    return decorate


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


_METAVARS: dict[Any, str] = {int: "NUMBER", float: "SECONDS"}

pass_settings = setting_options("data", "base_iri")
"""The flags of every command that opens a store."""


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


def parameter_values(params: Sequence[str]) -> dict[str, list[str]]:
    """The values in pairs, several for a key that is there several times.

    Raises:
        WrongUsage: one is no such pair.

    >>> parameter_values(["stage=project", "stage=culture"])
    {'stage': ['project', 'culture']}
    """
    values: dict[str, list[str]] = {}
    for pair in params:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise WrongUsage(f"{pair!r} is not KEY=VALUE", where="-p", fix="Write -p stage=project")
        values.setdefault(key, []).append(value)
    return values
