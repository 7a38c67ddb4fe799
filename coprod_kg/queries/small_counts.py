"""Small-counts rule of a saved query's header: which counts of its answer are withheld.

A header says ``#+ small-counts: users below 5, within country, with share``: cells of ``users``
from 1 to 4 are withheld, none of them can be had from the total of its country, and the cell of
``share`` goes with them.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

__all__ = ["SmallCounts", "read_rule", "rule_mistakes"]

_FORM: Final = "COLUMN below NUMBER, within COLUMN, COLUMN, with COLUMN"
_FIRST: Final = re.compile(r"(\w+) below (\S+)")
_LARGEST: Final = 1000


@dataclass(frozen=True, slots=True)
class SmallCounts:
    """Which cells of an answer are withheld.

    Attributes:
        column: the column of the counts.
        below: a count from 1 to one less than this is small.
        within: the columns that tell the groups whose totals are known; the table without any.
        along: the columns whose cells go with a withheld count, as they would tell it.
    """

    column: str
    below: int
    within: tuple[str, ...] = ()
    along: tuple[str, ...] = ()

    @property
    def rule(self) -> str:
        """The rule as the header says it."""
        parts = [f"{self.column} below {self.below}"]
        parts += [f"within {', '.join(self.within)}"] if self.within else []
        parts += [f"with {', '.join(self.along)}"] if self.along else []
        return ", ".join(parts)


def read_rule(text: str) -> SmallCounts:
    """The rule that a header states.

    >>> read_rule("users below 5, within country, year, with share")
    SmallCounts(column='users', below=5, within=('country', 'year'), along=('share',))

    Raises:
        ValueError: it is none; says what was expected.
    """
    first, *others = (part.strip() for part in text.split(","))
    begun = _FIRST.fullmatch(first)
    if begun is None:
        raise ValueError(f"expected '{_FORM}' (the last two may be left out), found {text!r}")
    column, number = begun.groups()
    if not (number.isascii() and number.isdigit()) or not 2 <= int(number[:9]) <= _LARGEST:
        raise ValueError(f"{number!r} is no threshold: a whole number from 2 to {_LARGEST}")
    lists: dict[str, list[str]] = {}
    current: list[str] | None = None
    for part in others:
        start, _, rest = part.partition(" ")
        if rest and start in ("within", "with"):
            current = lists.setdefault(start, [])
            part = rest.strip()
        if current is None or not part.isidentifier():
            raise ValueError(f"expected '{_FORM}', found {part!r} in it")
        current.append(part)
    within, along = (tuple(lists.get(word, ())) for word in ("within", "with"))
    return SmallCounts(column, int(number), within, along)


def rule_mistakes(
    rule: SmallCounts, columns: Collection[str], counting: Collection[str]
) -> Iterator[str]:
    """The mistakes of a rule beyond its syntax.

    Args:
        rule: the rule.
        columns: the names of all columns.
        counting: the names of those that have a unit, and so hold numbers.
    """
    named = (rule.column, *rule.within, *rule.along)
    for name in dict.fromkeys(named):
        if name not in columns:
            yield f"small-counts names no column: {name!r}; the columns are {', '.join(columns)}"
        elif named.count(name) > 1:
            yield f"small-counts names {name!r} twice"
    if rule.column in columns and rule.column not in counting:
        what = f"'#+ unit {rule.column}: …'"
        yield f"small-counts: {rule.column!r} is no number; a count says what it counts, {what}"
