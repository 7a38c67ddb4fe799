"""Translation of the pages: a catalogue for each language, offered to the templates.

The catalogues are gettext's ``.po`` files, read as they are: they are small, and read once.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from flask import Flask, g, has_request_context

from coprod_kg.model.translations import read_catalogue
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
    return read_catalogue(_FOLDER / f"{language}.po")


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
