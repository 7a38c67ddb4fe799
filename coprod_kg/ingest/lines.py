"""Line numbers of statements in a Turtle, TriG, N-Triples or N-Quads text.

A scan over the tokens of a text that the parser has accepted. Lists, and blank nodes that say the
same, get no line: a wrong line is worse than none.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final
from urllib.parse import urljoin

from coprod_kg.model.namespaces import expand

__all__ = ["FROM", "Lines", "lines_of"]

FROM: Final = "# from "
"""The start of the comment above a thing that names the source row which a mapping made it from."""

_SPACE: Final = r"\s++|\#[^\n]*+"
_TEXT: Final = r'''"""(?:[^"\\]|\\.|"(?!""))*+"""|\'\'\'(?:[^'\\]|\\.|'(?!\'\'))*+\'\'\'
    |"(?:[^"\\\n]|\\.)*+"|'(?:[^'\\\n]|\\.)*+'
'''
_IRI: Final = r'<[^<>"{}|^`\\\s]*+>'
_WORD: Final = re.compile(
    rf"""(?P<blank>{_SPACE})|(?P<text>{_TEXT})|(?P<iri>{_IRI})
    |(?P<mark>\^\^|[;,\[\](){{}}])
    |(?P<name>[^\s<>"'{{}}\[\]();,]++)
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_STATEMENT: Final = re.compile(
    rf"""(?:{_SPACE}|{_TEXT}|{_IRI}|[;,\[\]()]
      |[^\s<>"'{{}}\[\]();,.]++|\.(?=[^\s<>"'{{}}\[\]();,])
    )*+\.""",
    re.VERBOSE | re.DOTALL,
)
"""A statement of Turtle or N-Triples up to its full stop; it has no braces."""
_FIRST: Final = re.compile(r"(?:\s++|#[^\n]*+)*+(?P<iri><)?+(?P<name>[^\s<>\"'{}\[\]();,]*+)")
"""The name or IRI that a statement begins with, if it does."""
_ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_TYPE: Final = expand("rdf:type")
_BLANK: Final = "_:"
_joined: Final = lru_cache(maxsize=4096)(urljoin)
"""A relative IRI, of which a file has the same in many statements, resolved."""
_DIRECTIVES: Final = frozenset({"@prefix", "@base", "prefix", "base", "@version", "version"})


@dataclass
class Lines:
    """The first line of each thing, property and value.

    Attributes:
        of: subject, or subject and property, or those and the value → number of the line.
    """

    of: dict[tuple[str, ...], int] = field(default_factory=dict)

    def line(self, subject: str, path: str | None, value: str | None) -> int | None:
        """The line of a value, else of its property, else of its subject, else None."""
        keys: list[tuple[str, ...]] = [(subject,)]
        if path:
            keys.append((subject, path))
            if value:
                keys.append((subject, path, _bare(value)))
        return next((self.of[key] for key in reversed(keys) if key in self.of), None)


def _bare(value: str) -> str:
    """A term without prefix, datatype or language: an IRI, or the text in quotes."""
    if value.startswith("<"):
        return value[1:-1]
    match = re.match(r'"((?:[^"\\]|\\.)*)"', value, re.DOTALL)
    return match[1] if match else value


def lines_of(
    text: str,
    base_iri: str,
    subjects: Collection[str],
    nameless: Mapping[str, Collection[tuple[str, str]]] | None = None,
) -> Lines:
    """Find the lines of the statements about some subjects.

    Args:
        text: the whole text, which the parser has taken.
        base_iri: what relative IRIs are resolved against.
        subjects: IRIs of the things that are looked for.
        nameless: the blank nodes among them, each with its properties and values, by which it is
            recognised in the text.
    """
    scan = _Scan(base_iri, {*subjects}, blanks=bool(nameless))
    line = 1
    for start, end in _statements(text):
        if end == len(text) or scan.may_note(text, start):
            for word, kind, lines_before in _words(text, start, end):
                scan.take(word, kind, line + lines_before)
        line += text.count("\n", start, end)
    for iri, pairs in (nameless or {}).items():
        scan.recognise(iri, {(path, _bare(value)) for path, value in pairs})
    return scan.lines


def _statements(text: str) -> Iterator[tuple[int, int]]:
    """Where each statement begins and ends; from the first brace on it is all one."""
    start = 0
    while match := _STATEMENT.match(text, start):
        yield start, match.end()
        start = match.end()
    yield start, len(text)


def _words(text: str, start: int, end: int) -> Iterator[tuple[str, str, int]]:
    """The tokens of a part of the text, their kinds, and how many lines end before them."""
    line = 0
    for match in _WORD.finditer(text, start, end):
        word, kind = match[0], match.lastgroup or "other"
        if kind == "name" and word.endswith(".") and len(word) > 1:
            yield word.rstrip("."), kind, line
            yield ".", "mark", line
        elif kind != "blank":
            yield word, "mark" if word == "." else kind, line
        line += word.count("\n")


class _Scan:
    """Reads token by token; brackets hold statements of their own about a blank node."""

    def __init__(self, base_iri: str, subjects: set[str], *, blanks: bool) -> None:
        self.lines = Lines()
        self._base, self._subjects, self._blanks = base_iri, subjects, blanks
        self._prefixes: dict[str, str] = {}
        self._terms: list[str | None] = []
        self._outer: list[list[str | None]] = []
        self._lists = 0
        self._count = 0
        self._directive: list[str] | None = None

    def may_note(self, text: str, start: int) -> bool:
        """Whether the statement that begins there may be a directive or about a wanted subject."""
        if self._blanks or not (first := _FIRST.match(text, start)) or not first["name"]:
            return True
        name = first["name"]
        if first["iri"]:
            return self._iri(f"<{name}>") in self._subjects or text[first.end()] != ">"
        is_directive = name.lower() in _DIRECTIVES or name.lower() == "graph"
        return is_directive or self._value_of(name, "name") in self._subjects

    def take(self, word: str, kind: str, line: int) -> None:
        """Take one token."""
        if self._directive is not None:
            self._take_directive(word)
        elif kind == "mark":
            self._take_mark(word, line)
        elif not self._lists:
            if not self._terms and not self._outer and word.lower() in _DIRECTIVES:
                self._directive = [word.lower()]
            else:
                self._take_term(word, kind, line)

    def recognise(self, iri: str, pairs: Collection[tuple[str, str]]) -> None:
        """Note the lines of a blank node under its IRI, where only one has these properties."""
        pairs_by_node: dict[str, set[tuple[str, str]]] = {}
        for key in self.lines.of:
            if key[0].startswith(_BLANK) and len(key) > 2 and not key[2].startswith(_BLANK):
                pairs_by_node.setdefault(key[0], set()).add((key[1], key[2]))
        matches = [name for name, node_pairs in pairs_by_node.items() if node_pairs == pairs]
        if len(matches) == 1:
            for key, line in list(self.lines.of.items()):
                if key[0] == matches[0]:
                    self.lines.of[(iri, *key[1:])] = line

    def _take_directive(self, word: str) -> None:
        directive = self._directive or []
        directive.append(word)
        kind = directive[0].lstrip("@")
        length = 3 if kind == "prefix" else 2
        if len(directive) == length:
            if kind == "prefix":
                self._prefixes[directive[1].removesuffix(":")] = self._iri(directive[2])
            elif kind == "base":
                self._base = self._iri(directive[1])
        if len(directive) > length or (len(directive) == length and directive[0][0] != "@"):
            self._directive = None

    def _take_mark(self, word: str, line: int) -> None:
        if word in "()":
            if word == "(" and not self._lists:
                self._take_term("", "other", line)
            self._lists += 1 if word == "(" else -1
        elif self._lists:
            return
        elif word == "[":
            self._count += 1
            name = f"{_BLANK}{self._count}"
            self._state(name, line)
            self._outer.append(self._terms)
            self._terms = []
            self._state(name, line)
        elif word == "]":
            self._terms = self._outer.pop() if self._outer else []
        elif word in ".{}" and (word != "." or not self._outer):
            self._terms, self._outer = [], []
        elif word == ";":
            self._terms = self._terms[:1]
        elif word == ",":
            self._terms = self._terms[:2]

    def _take_term(self, word: str, kind: str, line: int) -> None:
        if word.startswith("@") or (self._terms and self._terms[-1] == "^^"):
            return
        if not self._terms and word.lower() == "graph":
            return
        self._state(self._value_of(word, kind), line)

    def _state(self, term: str | None, line: int) -> None:
        """Note the next term of a statement."""
        if len(self._terms) > 2:  # the graph of N-Quads, or the datatype behind ^^
            return
        self._terms.append(term)
        key = tuple(part for part in self._terms if part is not None)
        if len(key) == len(self._terms) and (
            key[0] in self._subjects or (self._blanks and key[0].startswith(_BLANK))
        ):
            self.lines.of.setdefault(key, line)

    def _value_of(self, word: str, kind: str) -> str | None:
        if kind == "iri":
            return self._iri(word)
        if kind == "text":
            quotes = 3 if word[:3] in ('"""', "'''") else 1
            return word[quotes:-quotes]
        if kind != "name":
            return None
        if word.startswith(_BLANK):
            return f"{_BLANK}:{word}"
        if word == "a" and len(self._terms) == 1:
            return _TYPE
        prefix, colon, local = word.partition(":")
        if not colon:
            return word
        space = self._prefixes.get(prefix)
        if space is None:
            return None
        return space + (re.sub(r"\\(.)", r"\1", local) if "\\" in local else local)

    def _iri(self, word: str) -> str:
        iri = word[1:-1]  # urljoin would take an empty fragment (#) off
        return iri if _ABSOLUTE.match(iri) else _joined(self._base, iri)
