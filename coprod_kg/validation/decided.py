"""SHACL constraints in three values: holds, does not hold, or undecided.

Undecided is whatever pySHACL may judge otherwise, such as literals of equal value or unusual dates.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final

import pyoxigraph as ox

from coprod_kg.model.graph import RDF_TYPE, Graph
from coprod_kg.validation.constraints import SH

__all__ = [
    "CONSTRAINT_COMPILERS",
    "VACUOUS_WITHOUT_VALUES",
    "Check",
    "Constraint",
    "Run",
    "Truth",
    "all_of",
    "any_of",
    "is_plain",
    "negated",
    "undecided",
]

Truth = bool | None
"""Whether something holds; None where that is not decided here."""
Check = Callable[["Run", Any], Truth]
"""Whether a node conforms to a shape."""
Constraint = Callable[["Run", Any, Sequence[Any]], Truth]
"""Whether a focus node and the values that the path of its shape leads to meet a constraint."""

_XSD: Final = "http://www.w3.org/2001/XMLSchema#"
_STRING: Final = f"{_XSD}string"
_TEXT: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#langString"
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,15}")
"""The integers that every parser reads as the same number."""
_PLAIN: Final = {
    f"{_XSD}boolean": re.compile(r"true|false"),
    f"{_XSD}integer": re.compile(r"0|-?[1-9][0-9]{0,14}"),
    f"{_XSD}date": re.compile(r"[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}"),
    f"{_XSD}gYearMonth": re.compile(r"[1-9][0-9]{3}-(0[1-9]|1[0-2])"),
    f"{_XSD}gYear": re.compile(r"[1-9][0-9]{3}"),
}


class Run:
    """One file under the screen.

    Attributes:
        data: its statements, above those of the background.
        decided: the answers so far, by check and node.
        stores: its statements with some properties; None where they may be read in different ways.
    """

    def __init__(self, data: Graph) -> None:
        self.data = data
        self.decided: dict[tuple[Check, Any], Truth] = {}
        self.stores: dict[frozenset[ox.NamedNode], ox.Store | None] = {}


def undecided(_: Run, __: Any, ___: Sequence[Any]) -> Truth:
    """The answer to a constraint that is not known here."""
    return None


def all_of(answers: Iterable[Truth]) -> Truth:
    """Whether all hold: not if one does not, undecided if one of the others is."""
    decided = True
    for answer in answers:
        if answer is False:
            return False
        decided = decided and answer is not None
    return True if decided else None


def any_of(answers: Iterable[Truth]) -> Truth:
    """Whether at least one holds."""
    return negated(all_of(map(negated, answers)))


def negated(answer: Truth) -> Truth:
    """Whether something does not hold."""
    return None if answer is None else not answer


def _each(test: Callable[[Any], Truth]) -> Constraint:
    return lambda _, __, values: all_of(map(test, values))


def _min_count(value: Any) -> Constraint:
    lowest = int(value.value)

    def check(_: Run, __: Any, values: Sequence[Any]) -> Truth:
        if len(values) < lowest:
            return False
        # Literals that differ here may be one to pySHACL.
        may_coincide = lowest > 1 and any(isinstance(node, ox.Literal) for node in values)
        return None if may_coincide else True

    return check


def _max_count(value: Any) -> Constraint:
    most = int(value.value)
    # Literals that differ here may be one to pySHACL, so that more than so many is undecided.
    return lambda _, __, values: True if len(values) <= most else None


def _has_value(value: Any) -> Constraint:
    absent = None if isinstance(value, ox.Literal) else False
    return lambda _, __, values: True if value in values else absent


def _class(value: Any) -> Constraint:
    def check(run: Run, _: Any, values: Sequence[Any]) -> Truth:
        classes = run.data.subclasses(value)
        return all(not classes.isdisjoint(run.data.objects(node, RDF_TYPE)) for node in values)

    return check


def _node_kind(value: Any) -> Constraint:
    kind = {"IRI": ox.NamedNode, "Literal": ox.Literal}.get(value.value.removeprefix(SH))
    return _each(lambda node: isinstance(node, kind)) if kind else undecided


def _datatype(value: Any) -> Constraint:
    def test(node: Any) -> Truth:
        if not isinstance(node, ox.Literal) or node.datatype != value:
            return False
        return True if is_plain(node) else None

    return _each(test)


def is_plain(node: Any) -> bool:
    """Whether every reader of RDF takes a term for the same, and writes it so."""
    if not isinstance(node, ox.Literal):
        return not isinstance(node, ox.Triple)
    datatype, text = node.datatype.value, node.value
    if datatype in (_STRING, _TEXT):
        return True
    pattern = _PLAIN.get(datatype)
    return bool(pattern and pattern.fullmatch(text)) and (
        datatype != f"{_XSD}date" or _is_day(text)
    )


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _pattern(value: Any) -> Constraint:
    pattern = re.compile(value.value)

    def test(node: Any) -> Truth:
        has_text = isinstance(node, ox.Literal | ox.NamedNode)
        return True if has_text and pattern.search(node.value) else None

    return _each(test)


def _min_inclusive(value: Any) -> Constraint:
    if not _INTEGER.fullmatch(value.value):
        return undecided
    lowest = int(value.value)

    def test(node: Any) -> Truth:
        number = (
            isinstance(node, ox.Literal)
            and node.datatype.value == f"{_XSD}integer"
            and _INTEGER.fullmatch(node.value)
        )
        return True if number and int(node.value) >= lowest else None

    return _each(test)


def _unique_lang(_: Any) -> Constraint:
    def check(_: Run, __: Any, values: Sequence[Any]) -> Truth:
        tags = [node.language.lower() for node in values if getattr(node, "language", None)]
        return True if len({*tags}) == len(tags) else None

    return check


CONSTRAINT_COMPILERS: Final[Mapping[str, Callable[[Any], Constraint]]] = {
    "minCount": _min_count,
    "maxCount": _max_count,
    "hasValue": _has_value,
    "class": _class,
    "nodeKind": _node_kind,
    "datatype": _datatype,
    "pattern": _pattern,
    "minInclusive": _min_inclusive,
    "uniqueLang": _unique_lang,
}


VACUOUS_WITHOUT_VALUES: Final = frozenset(
    {"and", "or", "not", "node", "property", "maxCount", "class", "nodeKind", "datatype"}
    | {"pattern", "minInclusive", "uniqueLang"}
)
"""The constraints that hold where there is no value."""
