"""Identifiers for rows that have none, made from their content and not from their position.

The rule, so that anybody can foretell them:

1. A thing with a name gets the name in small Latin letters, digits and hyphens (``slug``), behind
   the name of the organisation whose workbook it is, so that two organisations' "Annual report"
   stay two. Where nobody said whose it is, an initiative gets it behind the name of who runs it.
   An organisation's own name stands alone.
2. A claim gets the identifier of what it is about and those of its key columns (``key`` in
   ``sheets.toml``): ``memory-cafe-pilot-project-2019-home-care-team``.
3. More than 80 characters are cut, and eight digits of the SHA-256 of the whole put behind.
4. Where rows would get the same, or one that somebody chose, each gets eight digits of the
   SHA-256 of its name (of two names that make one slug) or of all its cells behind it. Rows with
   the same cells are the same thing, said twice.

The order of rows and columns and the spelling of spaces and capitals make no difference.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

__all__ = ["Unnamed", "mint", "scoped", "slug"]

_LONGEST: Final = 80
_LETTERS: Final = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "ß": "ss", "ð": "d", "đ": "d", "þ": "th", "ł": "l"}
)


@dataclass(frozen=True, slots=True)
class Unnamed:
    """A row that needs an identifier.

    Attributes:
        base: the identifier that it would get alone.
        name: its name, or an empty text.
        content: its cells as text, whatever their order.
    """

    base: str
    name: str
    content: str


def slug(text: str) -> str:
    """The text in small Latin letters, digits and hyphens; a digest where it has none.

    >>> slug("Länssjukhuset Ryhov"), slug("  Rød & hvid ")
    ('lanssjukhuset-ryhov', 'rod-hvid')
    """
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    words = re.findall(r"[a-z0-9]+", re.sub(r"[\u0300-\u036f'\u2019]", "", plain))
    return _cut("-".join(words)) if words else f"n{_digest(text)}"


def scoped(scope: str, *names: str) -> str:
    """The identifier of something within a scope; one that begins with it already keeps it once."""
    joined = "-".join(name for name in names if name)
    if not scope or joined == scope or joined.startswith(f"{scope}-"):
        return _cut(joined)
    return _cut(f"{scope}-{joined}")


def mint(rows: Mapping[int, Unnamed], taken: frozenset[str]) -> dict[int, str]:
    """An identifier for each row.

    Args:
        rows: number → row.
        taken: identifiers that the sender chose.
    """
    groups: dict[str, list[int]] = {}
    for number, unnamed in rows.items():
        groups.setdefault(unnamed.base, []).append(number)
    identifiers: dict[int, str] = {}
    for base, numbers in groups.items():
        rows_alike = [rows[index] for index in numbers]
        if base not in taken and len({row.content for row in rows_alike}) == 1:
            identifiers |= dict.fromkeys(numbers, base)
            continue
        names_differ = _all_different(rows_alike)
        for number in numbers:
            unnamed = rows[number]
            identifiers[number] = (
                f"{base}-{_digest(unnamed.name if names_differ else unnamed.content)}"
            )
    return identifiers


def _all_different(rows: Sequence[Unnamed]) -> bool:
    names = {row.name for row in rows}
    return "" not in names and len(names) == len(rows)


def _cut(text: str) -> str:
    if len(text) <= _LONGEST:
        return text
    return f"{text[: _LONGEST - 9].rstrip('-')}-{_digest(text)}"


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
