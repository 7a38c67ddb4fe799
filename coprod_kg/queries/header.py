"""Parser of the flat header of a saved query, one ``#+ key: value`` a line."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from coprod_kg.errors import WrongUsage
from coprod_kg.model.namespaces import SLUG
from coprod_kg.model.schemes import Scheme
from coprod_kg.queries.labels import LANGUAGES, text_in
from coprod_kg.queries.parameters import KINDS, RESERVED, TYPES, Parameter
from coprod_kg.queries.suppression import SmallCounts, read_rule, rule_mistakes

__all__ = ["PARTS", "AnswerColumn", "Header", "Mistake", "read_header"]

Mistake = tuple[int, str]
"""A line, and what is wrong there."""

_MARK: Final = "#+"
_SINGLE: Final = ("summary", "description", "tags", "answers", "key", "small-counts", "parts")
PARTS: Final = ("union", "sum")
"""How an answer may be put together from those over parts of the data."""
_NAMED: Final = ("summary", "description", "param", "values", "column", "label", "unit")
_HOW_MANY: Final = ("single", "required")
_TODAY: Final = "today"
"""The default of a date that is the day of the asking; the text has UNDEF in its place."""
_VARIABLE: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9_]*")
_SOURCE: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\.[a-zA-Z][a-zA-Z0-9_]*")
_ANSWER: Final = re.compile(r"CQ-[0-9]{2,}")


@dataclass(frozen=True, slots=True)
class AnswerColumn:
    """A column of the answer.

    Attributes:
        name: the variable, without its question mark.
        description: what it means.
        label: how it is headed where people read it.
        unit: what its numbers count or measure, such as ``months``; empty where it is no number.
    """

    name: str
    description: str
    label: str = ""
    unit: str = ""

    @property
    def heading(self) -> str:
        """The label with the unit, where the label does not say it."""
        return self.heading_in(LANGUAGES[0])

    @property
    def label_or_name(self) -> str:
        """The label, or the name in words."""
        return self.label or _words(self.name)

    def heading_in(self, language: str) -> str:
        """The heading in a language, as far as it is translated."""
        label, unit = text_in(self.label_or_name, language), text_in(self.unit, language)
        has_unit = not unit or unit.casefold() in label.casefold()
        return label if has_unit else f"{label} ({unit})"


@dataclass(slots=True)
class Header:
    """The parsed header, and its mistakes."""

    summary: str = ""
    summaries: dict[str, str] = field(default_factory=dict)
    description: str = ""
    descriptions: dict[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    columns: tuple[AnswerColumn, ...] = ()
    key: tuple[str, ...] = ()
    small_counts: SmallCounts | None = None
    parts: str = ""
    lines: dict[str, int] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)

    def note_mistake(self, line: int, message: str) -> None:
        """Note a mistake."""
        self.mistakes.append((line, message))


def read_header(text: str, vocabulary: Mapping[str, Scheme]) -> Header:
    """The header of a file, with every mistake found in it.

    Args:
        text: the file's whole text.
        vocabulary: the concept schemes that a parameter may name.
    """
    header = Header()
    body_begun = False
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.startswith(_MARK):
            body_begun = body_begun or bool(line.strip())
        elif body_begun:
            header.note_mistake(number, "a header line after the header; move it to the top")
        else:
            _read_entry(header, number, line[len(_MARK) :], vocabulary)
    _check_header(header)
    return header


def _read_entry(header: Header, line: int, text: str, vocabulary: Mapping[str, Scheme]) -> None:
    key, colon, value = (part.strip() for part in text.partition(":"))
    word, _, name = key.partition(" ")
    if not colon or not value:
        header.note_mistake(line, f"expected '#+ key: value', found {(_MARK + text)!r}")
    elif key in header.lines:
        header.note_mistake(line, f"{key!r} is given twice, first in line {header.lines[key]}")
    elif key in _SINGLE:
        _read_single(header, line, key, value)
    elif word in _NAMED and _VARIABLE.fullmatch(name):
        _read_named(header, line, (word, name, value), vocabulary)
    elif word in _NAMED:
        header.note_mistake(line, f"{name!r} is not the name of a variable, in {key!r}")
    else:
        keys = ", ".join([*_SINGLE, *(f"{kind} NAME" for kind in _NAMED)])
        header.note_mistake(line, f"there is no key {key!r}; the keys are {keys}")
    header.lines.setdefault(key, line)


def _read_single(header: Header, line: int, key: str, value: str) -> None:
    if key == "summary":
        header.summary = _read_question(header, line, value)
    elif key == "description":
        header.description = value
    elif key == "tags":
        header.tags = _list(value)
        for tag in header.tags:
            if not SLUG.fullmatch(tag):
                header.note_mistake(
                    line, f"{tag!r} is not a tag: small letters, digits and hyphens"
                )
    elif key == "key":
        header.key = _list(value)
    elif key == "parts":
        header.parts = value
        if value not in PARTS:
            header.note_mistake(line, f"parts: expected {' or '.join(PARTS)}, found {value!r}")
    elif key == "small-counts":
        try:
            header.small_counts = read_rule(value)
        except ValueError as error:
            header.note_mistake(line, f"small-counts: {error}")
    else:
        header.answers = _list(value)
        for answer in header.answers:
            if not _ANSWER.fullmatch(answer):
                header.note_mistake(line, f"{answer!r} is not a competency question such as CQ-01")


def _read_question(header: Header, line: int, value: str) -> str:
    if not value.endswith("?"):
        header.note_mistake(line, "the summary is a question and ends with '?'")
    return value


def _list(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(","))


def _read_named(
    header: Header, line: int, entry: tuple[str, str, str], vocabulary: Mapping[str, Scheme]
) -> None:
    word, name, value = entry
    if word in ("summary", "description"):
        if name not in LANGUAGES[1:]:
            header.note_mistake(line, f"a {word} is translated into {' or '.join(LANGUAGES[1:])}")
        if word == "summary":
            header.summaries[name] = _read_question(header, line, value)
        else:
            header.descriptions[name] = value
        return
    if word == "values":
        _read_values_from(header, line, name, value)
        return
    if word != "param":
        _read_column(header, line, entry)
        return
    declaration, bar, description = (part.strip() for part in value.partition("|"))
    if not bar or not description:
        header.note_mistake(
            line, f"parameter {name} has no description; write 'TYPE | what it does'"
        )
        return
    type_text, equals, default = (part.strip() for part in declaration.partition("="))
    type_, *words = type_text.split() or [""]
    count_words = [word for word in words if word in _HOW_MANY]
    scope = " ".join(word for word in words if word not in _HOW_MANY)
    mistake = _type_mistake(type_, scope, vocabulary)
    if mistake:
        header.note_mistake(line, f"parameter {name}: {mistake}")
        return
    today = type_ == "date" and default == _TODAY
    parameter = Parameter(
        name,
        type_,
        scope,
        default if equals and not today else None,
        description,
        single="single" in count_words,
        required="required" in count_words,
        today=today,
    )
    header.parameters += (parameter,)
    if equals and not today:
        _check_default(header, line, parameter, vocabulary)


def _read_values_from(header: Header, line: int, name: str, value: str) -> None:
    index = next(
        (n for n, parameter in enumerate(header.parameters) if parameter.name == name), None
    )
    if index is None:
        header.note_mistake(line, f"there is no '#+ param {name}: …' before its values")
    elif not _SOURCE.fullmatch(value):
        header.note_mistake(line, f"{value!r} names no column of a saved query; write QUERY.COLUMN")
    elif header.parameters[index].type == "boolean":
        header.note_mistake(line, f"parameter {name} is true or false; leave out where from")
    else:
        parameter = replace(header.parameters[index], values_from=value)
        parameters = header.parameters
        header.parameters = (*parameters[:index], parameter, *parameters[index + 1 :])


def _read_column(header: Header, line: int, entry: tuple[str, str, str]) -> None:
    word, name, value = entry
    if word == "column":
        header.columns += (AnswerColumn(name, value),)
        return
    index = next((n for n, column in enumerate(header.columns) if column.name == name), None)
    if index is None:
        header.note_mistake(line, f"there is no '#+ column {name}: …' before its {word}")
        return
    column = replace(header.columns[index], **{word: value})
    header.columns = (*header.columns[:index], column, *header.columns[index + 1 :])


def _type_mistake(type_: str, scope: str, vocabulary: Mapping[str, Scheme]) -> str | None:
    if type_ not in TYPES:
        return f"there is no type {type_!r}; the types are {', '.join(TYPES)}"
    if type_ == "concept" and scope not in vocabulary:
        return f"there is no scheme {scope!r}; the schemes are {', '.join(sorted(vocabulary))}"
    if type_ == "iri" and scope not in KINDS:
        return f"there is no kind {scope!r}; the kinds are {', '.join(KINDS)}"
    if scope and type_ not in ("concept", "iri"):
        return f"{type_} takes nothing after it, found {scope!r}"
    return None


def _check_default(
    header: Header, line: int, parameter: Parameter, vocabulary: Mapping[str, Scheme]
) -> None:
    try:
        parameter.term(parameter.default or "", "", vocabulary)
    except WrongUsage as error:
        header.note_mistake(line, f"the default of parameter {parameter.name}: {error.what}")


def _check_header(header: Header) -> None:
    for key in ("summary", "description", "tags"):
        if key not in header.lines:
            header.note_mistake(1, f"the header has no {key!r}")
    columns = [column.name for column in header.columns]
    for name in header.key:
        if name not in columns:
            header.note_mistake(header.lines["key"], f"the key names no column: {name!r}")
    if header.small_counts:
        counting = [column.name for column in header.columns if column.unit]
        for message in rule_mistakes(header.small_counts, columns, counting):
            header.note_mistake(header.lines["small-counts"], message)
    for parameter in header.parameters:
        if parameter.name in RESERVED:
            message = (
                f"{parameter.name!r} is no name for a parameter: "
                f"a request says {parameter.name} otherwise"
            )
            header.note_mistake(header.lines[f"param {parameter.name}"], message)
        if parameter.required and (parameter.today or parameter.default is not None):
            message = (
                f"parameter {parameter.name} is required and has a default: one of them is too much"
            )
            header.note_mistake(header.lines[f"param {parameter.name}"], message)


def _words(name: str) -> str:
    spaced = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)
    plain = spaced.replace("_", " ").strip().capitalize()
    return f"{plain.removesuffix(' label')} (name)" if plain.endswith(" label") else plain
