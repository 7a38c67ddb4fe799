"""Texts, numbers and dates in a reader's language: gettext catalogues (``.po``), and forms of both.

An English text leads to what it is in another language.
"""

import re
from ast import literal_eval
from functools import cache
from pathlib import Path
from typing import Final

__all__ = ["amount", "day", "read_po"]

# Three languages need three separators and three forms of a date; a library for that weighs 30 MB.
_THOUSANDS: Final = {"en": ",", "da": ".", "de": "."}
_MONTHS: Final = {
    "en": "January February March April May June July August September October November December",
    "da": "januar februar marts april maj juni juli august september oktober november december",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
}
_ENTRY: Final = re.compile(r'^(msgid|msgid_plural|msgstr(?:\[\d\])?) (".*")$|^(".*")$')


@cache
def read_po(path: Path) -> dict[str, tuple[str, ...]]:
    """The entries of a catalogue: English → its translation, or its forms for one and for several.

    An entry without a translation is left out; a language without a file has no entries.
    """
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    entries: dict[str, tuple[str, ...]] = {}
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
            entries[parts["msgid"]] = forms
    return entries


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
    year, *rest = text.split("-")
    if not all(part.isdecimal() for part in (year, *rest)) or len(rest) > 2:
        return text
    names = [_MONTHS[language].split()[int(month) - 1] for month in rest[:1]]
    days = [f"{int(number)}{'' if language == 'en' else '.'}" for number in rest[1:]]
    return " ".join((*days, *names, year))
