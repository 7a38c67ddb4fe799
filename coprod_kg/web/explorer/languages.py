"""Translation of the pages: a catalogue for each language, offered to the templates.

The catalogues are gettext's ``.po`` files, read as they are: they are small, and read once.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from flask import Flask, g, has_request_context

from coprod_kg.model.translations import amount, day, read_po
from coprod_kg.web.explorer.page import LANGUAGES

__all__ = ["catalogue", "register"]

_FOLDER: Final = Path(__file__).parents[1] / "locale"


def register(app: Flask) -> None:
    """Give the templates ``_``, ``ngettext``, ``language``, ``amount`` and ``day``."""
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]  # the extension adds it
        _gettext, _ngettext, newstyle=True
    )
    app.jinja_env.filters |= {
        "amount": lambda number: amount(number, _language()),
        "day": lambda text: day(text, _language()),
    }
    app.context_processor(lambda: {"language": _language()})


def catalogue(language: str) -> Mapping[str, tuple[str, ...]]:
    """English → its translation, or its forms for one and for several; empty for English."""
    return read_po(_FOLDER / f"{language}.po")


def _language() -> str:
    return str(g.get("language") or LANGUAGES[0]) if has_request_context() else LANGUAGES[0]


def _gettext(text: str) -> str:
    return catalogue(_language()).get(text, (text,))[0]


def _ngettext(one: str, several: str, number: int) -> str:
    forms = catalogue(_language()).get(one, (one, several))
    return forms[0] if number == 1 else forms[-1]
