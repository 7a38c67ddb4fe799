"""Decorator that gives a command the flags of settings, and the settings."""

import functools
from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar

import click

from coprod_kg.settings import Settings

__all__ = ["pass_settings", "setting_options"]

_Command = TypeVar("_Command", bound=Callable[..., Any])


def setting_options(*names: str) -> Callable[[_Command], Callable[..., Any]]:
    """Give a command the flags of some settings, and the `Settings` as its first argument.

    A flag that is not given leaves the setting to the environment, the file and the default.

    Args:
        names: the settings; all of them where none is named.
    """
    known = {field.name: field for field in fields(Settings)}
    names = names or tuple(known)

    def decorate(command: _Command) -> Callable[..., Any]:
        @functools.wraps(command)
        def call(*args: Any, **kwargs: Any) -> Any:
            given = {name: kwargs.pop(f"setting_{name}") for name in names}
            overrides = {name: None if value == () else value for name, value in given.items()}
            return command(Settings.load(overrides), *args, **kwargs)

        for name in reversed(names):
            setting = known[name]
            default: Any = setting.default
            several = isinstance(default, tuple)
            if several:
                default = " ".join(default)
            shown = f"  [default: {default}]" if default not in (None, "") else ""
            option = click.option(
                f"--{name.replace('_', '-')}",
                f"setting_{name}",
                metavar=_METAVARS.get(setting.type, "TEXT"),
                multiple=several,  # a second one adds to the first
                help=f"{_sentence(str(setting.metadata['help']))}{shown}",
            )
            call = option(call)
        return call

    return decorate


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


_METAVARS: dict[Any, str] = {int: "NUMBER", float: "SECONDS"}

pass_settings = setting_options("data", "base_iri")
"""The flags of every command that opens a store."""
