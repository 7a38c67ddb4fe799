"""Parsing and serialising of single RDF terms: IRIs and typed or tagged literals.

A term read here is safe to write into SPARQL or N-Triples with `serialise`: the engine's own
term classes refuse what an IRI or a language tag may not hold and escape what a literal does.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Final
from urllib.parse import urljoin

from pyoxigraph import Literal, NamedNode

from coprod_kg.errors import WrongUsage

__all__ = ["CONTROL", "XSD", "Term", "literal", "parse_iri", "parse_term", "serialise", "text_of"]

XSD: Final = "http://www.w3.org/2001/XMLSchema#"
"""The namespace of the XML Schema datatypes."""

CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
"""What XML 1.0 cannot hold (2.2), and DELETE, which is invisible, and which formats lose."""

Term = NamedNode | Literal
"""The terms that a parameter can be bound to. Blank nodes have no name outside their file."""

_NO_PREFIXES: Final[Mapping[str, str]] = {}
_CURIE: Final = re.compile(r"([A-Za-z][\w.-]*)?:(?!//)(.*)", re.DOTALL)
_ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_LOCAL: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_-])?")
_QUOTED: Final = re.compile(
    r'"((?:[^"\\\n\r]|\\.)*)"(?:@([A-Za-z0-9-]+)|\^\^(\S+))?', re.DOTALL | re.ASCII
)
_ESCAPE: Final = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))", re.DOTALL)
_ESCAPED: Final = {"t": "\t", "n": "\n", "r": "\r", "b": "\b", "f": "\f", '"': '"', "'": "'"} | {
    "\\": "\\"
}
_ZONE: Final = r"(?:Z|[+-](?:0\d|1[0-3]):[0-5]\d|[+-]14:00)?"
_SHORTHAND: Final = (
    ("boolean", re.compile(r"true|false")),
    ("integer", re.compile(r"[+-]?[0-9]+", re.ASCII)),
    ("decimal", re.compile(r"[+-]?[0-9]*\.[0-9]+", re.ASCII)),
    ("double", re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)[eE][+-]?[0-9]+", re.ASCII)),
)


def _lexical(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)


_FORMS: Final[Mapping[str, tuple[re.Pattern[str], str]]] = {
    "boolean": (_lexical("true|false|1|0"), "true or false"),
    "integer": (_lexical("[+-]?[0-9]+"), "a whole number such as 12"),
    "decimal": (_lexical(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"), "a number such as 1.5"),
    "double": (
        _lexical(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?INF|NaN"),
        "a number such as 1.5e3",
    ),
    "date": (_lexical(rf"-?[0-9]{{4,}}-[0-9]{{2}}-[0-9]{{2}}{_ZONE}"), "a day such as 2021-03-01"),
    "gYearMonth": (
        _lexical(rf"-?[0-9]{{4,}}-(?:0[1-9]|1[0-2]){_ZONE}"),
        "a month such as 2021-03",
    ),
    "gYear": (_lexical(rf"-?[0-9]{{4,}}{_ZONE}"), "a year such as 2021"),
    "dateTime": (
        _lexical(
            r"-?[0-9]{4,}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
            rf"(?:\.[0-9]+)?{_ZONE}"
        ),
        "a moment such as 2021-03-01T12:00:00Z",
    ),
}


def parse_iri(text: str, *, base_iri: str, prefixes: Mapping[str, str] = _NO_PREFIXES) -> NamedNode:
    """The IRI that a person wrote.

    Args:
        text: an absolute IRI, a relative one (resolved against the base), either of them in
            angle brackets, or prefix and name (``stage:project``).
        base_iri: what a relative IRI is resolved against.
        prefixes: prefix → namespace.

    Raises:
        WrongUsage: it is none of these.

    >>> parse_iri("id/initiative/x", base_iri="https://example.org/").value
    'https://example.org/id/initiative/x'
    >>> parse_iri("a:b", base_iri="https://example.org/", prefixes={"a": "urn:a:"}).value
    'urn:a:b'
    """
    if text.startswith("<") and text.endswith(">") and len(text) > 1:
        return _named_node(_resolved(base_iri, text[1:-1], text), text)
    curie = _CURIE.fullmatch(text)
    if curie and (curie[1] or "") in prefixes:
        return _named_node(prefixes[curie[1] or ""] + curie[2], text)
    if not text.strip() or text.startswith("_:"):
        raise _not_an_iri(text, "it names nothing")
    return _named_node(_resolved(base_iri, text, text), text)


def literal(
    text: str, datatype: str | NamedNode | None = None, language: str | None = None
) -> Literal:
    """A literal of a datatype, its text checked against what the datatype permits.

    Args:
        text: the lexical form.
        datatype: an IRI, or the short name of an XML Schema datatype such as ``date``.
        language: a language tag; then there is no datatype.

    Raises:
        WrongUsage: the text does not fit.

    >>> str(literal("2021-03-01", "date"))
    '"2021-03-01"^^<http://www.w3.org/2001/XMLSchema#date>'
    """
    if language is not None:
        return _checked_literal(
            lambda: Literal(text, language=language), text, "text in a language"
        )
    if datatype is None:
        return _checked_literal(lambda: Literal(text), text, "text")
    if isinstance(datatype, str):
        datatype = _named_node(datatype if ":" in datatype else XSD + datatype, datatype)
    form = _FORMS.get(datatype.value.removeprefix(XSD)) if XSD in datatype.value else None
    if form and not (form[0].fullmatch(text) and _is_a_day(text, datatype.value)):
        raise WrongUsage(f"{text!r} is not {form[1]}", fix=f"Write {form[1]}.")
    return _checked_literal(lambda: Literal(text, datatype=datatype), text, "a literal")


def parse_term(text: str, *, base_iri: str, prefixes: Mapping[str, str] = _NO_PREFIXES) -> Term:
    """The IRI or literal that a person wrote as in Turtle.

    Args:
        text: ``<iri>``, ``prefix:name``, ``"text"``, ``"text"@en``, ``"1"^^xsd:integer``,
            ``12``, ``1.5``, ``true``, or a bare absolute or relative IRI.
        base_iri: what a relative IRI is resolved against.
        prefixes: prefix → namespace.

    Raises:
        WrongUsage: it is none of these.
    """
    quoted = _QUOTED.fullmatch(text)
    if quoted:
        datatype = (
            parse_iri(quoted[3], base_iri=base_iri, prefixes={"xsd": XSD} | dict(prefixes))
            if quoted[3]
            else None
        )
        return literal(_unescaped(quoted[1]), datatype, quoted[2])
    if text.startswith('"'):
        raise WrongUsage(
            f"{text!r} is not a literal", fix='Write "text", "text"@en or "1"^^xsd:integer.'
        )
    for name, form in _SHORTHAND:
        if form.fullmatch(text):
            return literal(text, name)
    return parse_iri(text, base_iri=base_iri, prefixes=prefixes)


def text_of(term: Term, prefixes: Mapping[str, str] = _NO_PREFIXES) -> str:
    """The shortest text from which `parse_term` makes the same term.

    >>> text_of(NamedNode("urn:a:b"), {"a": "urn:a:"})
    'a:b'
    """
    if isinstance(term, NamedNode):
        return _short(term.value, prefixes) or str(term)
    quoted = str(Literal(term.value))
    if term.language:
        return f"{quoted}@{term.language}"
    if term.datatype.value == XSD + "string":
        return quoted
    return (
        f"{quoted}^^{_short(term.datatype.value, {'xsd': XSD} | dict(prefixes)) or term.datatype}"
    )


def serialise(term: Term) -> str:
    """The term as SPARQL, Turtle and N-Triples all read it, everything in it escaped."""
    return str(term)


def _short(iri: str, prefixes: Mapping[str, str]) -> str | None:
    candidates = [(len(space), name) for name, space in prefixes.items() if iri.startswith(space)]
    if not candidates:
        return None
    length, name = max(candidates)
    return f"{name}:{iri[length:]}" if _LOCAL.fullmatch(iri[length:]) else None


def _resolved(base_iri: str, text: str, written: str) -> str:
    if _ABSOLUTE.match(text):
        return text
    if any(character <= " " for character in text):
        raise _not_an_iri(written, "it holds a space or a line end")
    try:
        return urljoin(base_iri, text)
    except ValueError as error:
        raise _not_an_iri(written, str(error)) from None


def _named_node(iri: str, written: str) -> NamedNode:
    try:
        return NamedNode(iri)
    except ValueError as error:
        raise _not_an_iri(written, str(error)) from None


def _checked_literal(constructor: Callable[[], Literal], text: str, expected: str) -> Literal:
    try:
        text.encode()
        return constructor()
    except ValueError as error:
        raise WrongUsage(f"{text!r} is not {expected}: {error}") from None


def _not_an_iri(text: str, reason: str) -> WrongUsage:
    return WrongUsage(
        f"{text!r} is not an IRI: {reason}",
        fix="Write a full IRI (https://…), one relative to the base (id/initiative/…) "
        "or prefix:name.",
    )


def _is_a_day(text: str, datatype: str) -> bool:
    """Whether the day exists in the calendar (30 February does not), where there is a day."""
    if datatype not in (XSD + "date", XSD + "dateTime"):
        return True
    year, month, day = re.match(r"-?(\d+)-(\d\d)-(\d\d)", text).groups()  # type: ignore[union-attr]  # the form was matched before
    try:
        date(int(year) % 400 + 400, int(month), int(day))
    except ValueError:
        return False
    return True


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(_one_escape, text)


def _one_escape(match: re.Match[str]) -> str:
    code = match[1] or match[2]
    if not code:
        if match[3] not in _ESCAPED:
            raise WrongUsage(f"\\{match[3]} is not an escape", fix="Write \\\\ for a backslash.")
        return _ESCAPED[match[3]]
    if int(code, 16) > 0x10FFFF:
        raise WrongUsage(f"\\U{code} is no character")
    return chr(int(code, 16))
