"""Translation of the pages: a catalogue for each language, offered to the templates.

The catalogues are gettext's ``.po`` files, read as they are: they are small, and read once.
"""

import re
from ast import literal_eval
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from flask import Flask, g, has_request_context

from coprod_kg.web.explorer.page import LANGUAGES

__all__ = ["catalogue", "register"]

_FOLDER: Final = Path(__file__).parents[1] / "locale"
_ENTRY: Final = re.compile(r'^(msgid|msgid_plural|msgstr(?:\[\d\])?) (".*")$|^(".*")$')


def register(app: Flask) -> None:
    """Give the templates ``_``, ``ngettext`` and ``language``."""
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]  # the extension adds it
        _gettext, _ngettext, newstyle=True
    )
    app.context_processor(lambda: {"language": _language()})


@cache
def catalogue(language: str) -> Mapping[str, tuple[str, ...]]:
    """English → its translation, or its forms for one and for several; empty for English."""
    path = _FOLDER / f"{language}.po"
    return _read(path.read_text(encoding="utf-8")) if path.exists() else {}


def _language() -> str:
    return str(g.get("language") or LANGUAGES[0]) if has_request_context() else LANGUAGES[0]


def _gettext(text: str) -> str:
    return catalogue(_language()).get(text, (text,))[0]


def _ngettext(one: str, several: str, number: int) -> str:
    forms = catalogue(_language()).get(one, (one, several))
    return forms[0] if number == 1 else forms[-1]


def _read(text: str) -> dict[str, tuple[str, ...]]:
    """The entries of a catalogue; one without a translation is left out."""
    found: dict[str, tuple[str, ...]] = {}
    for block in re.split(r"\n\s*\n", text):
        parts: dict[str, str] = {}
        name = ""
        for line in block.splitlines():
            match = _ENTRY.match(line.strip())
            if match:
                name = match[1] or name
                parts[name] = parts.get(name, "") + str(literal_eval(match[2] or match[3]))
        forms = tuple(value for key, value in parts.items() if key.startswith("msgstr") and value)
        if parts.get("msgid") and forms:
            found[parts["msgid"]] = forms
    return found
