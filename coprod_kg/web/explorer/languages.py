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

__all__ = ["amount", "catalogue", "day", "register"]

_FOLDER: Final = Path(__file__).parents[1] / "locale"
# Three languages need three separators and three forms of a date; a library for that weighs 30 MB.
_THOUSANDS: Final = {"en": ",", "da": ".", "de": "."}
_MONTHS: Final = {
    "en": "January February March April May June July August September October November December",
    "da": "januar februar marts april maj juni juli august september oktober november december",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
}
_ENTRY: Final = re.compile(r'^(msgid|msgid_plural|msgstr(?:\[\d\])?) (".*")$|^(".*")$')


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


@cache
def catalogue(language: str) -> Mapping[str, tuple[str, ...]]:
    """English → its translation, or its forms for one and for several; empty for English."""
    path = _FOLDER / f"{language}.po"
    return _read(path.read_text(encoding="utf-8")) if path.exists() else {}


def amount(number: int, language: str) -> str:
    """A whole number as the readers of a language write it.

    >>> amount(1823, "en"), amount(1823, "da"), amount(12, "de")
    ('1,823', '1.823', '12')
    """
    return f"{number:,}".replace(",", _THOUSANDS[language])


def day(text: str, language: str) -> str:
    """A day, month or year, written as in ``xsd:date``, as the readers of a language write it.

    >>> day("2026-11-08", "en"), day("2026-11-08", "da"), day("2026-03", "de"), day("2026", "de")
    ('8 November 2026', '8. november 2026', 'März 2026', '2026')
    """
    year, *more = text.split("-")
    if not all(part.isdecimal() for part in (year, *more)) or len(more) > 2:
        return text
    names = [_MONTHS[language].split()[int(month) - 1] for month in more[:1]]
    days = [f"{int(number)}{'' if language == 'en' else '.'}" for number in more[1:]]
    return " ".join((*days, *names, year))


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
