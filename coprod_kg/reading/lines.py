"""The lines on which a Turtle, TriG, N-Triples or N-Quads text says what; it parses no RDF.

A scan over the words of a text that was parsed before. What it cannot place (blank nodes,
what stands inside brackets) it says nothing of: a wrong line is worse than none.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urljoin

__all__ = ["Lines", "lines_of"]

_WORD: Final = re.compile(
    r'''(?P<blank>\s++|\#[^\n]*+)
    |(?P<text>"""(?:[^"\\]|\\.|"(?!""))*+"""|\'\'\'(?:[^'\\]|\\.|'(?!\'\'))*+\'\'\'
      |"(?:[^"\\\n]|\\.)*+"|'(?:[^'\\\n]|\\.)*+')
    |(?P<iri><[^<>"{}|^`\\\s]*+>)
    |(?P<mark>\^\^|[;,\[\](){}])
    |(?P<name>[^\s<>"'{}\[\]();,]++)
    |(?P<other>.)''',
    re.VERBOSE | re.DOTALL,
)
_ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_TYPE: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_DIRECTIVES: Final = frozenset({"@prefix", "@base", "prefix", "base", "@version", "version"})


@dataclass
class Lines:
    """Where each thing, property and value first stands.

    Attributes:
        of: subject, or subject and property, or those and the value → number of the line.
    """

    of: dict[tuple[str, ...], int] = field(default_factory=dict)

    def line(self, subject: str, path: str | None, value: str | None) -> int | None:
        """The line of a value, else of its property, else of its subject, else None."""
        wanted: list[tuple[str, ...]] = [(subject,)]
        if path:
            wanted.append((subject, path))
            if value:
                wanted.append((subject, path, _bare(value)))
        return next((self.of[one] for one in reversed(wanted) if one in self.of), None)


def _bare(value: str) -> str:
    """A term without what a writer may spell in several ways: an IRI, or the text in quotes."""
    if value.startswith("<"):
        return value[1:-1]
    found = re.match(r'"((?:[^"\\]|\\.)*)"', value, re.DOTALL)
    return found[1] if found else value


def lines_of(text: str, base_iri: str, subjects: Collection[str]) -> Lines:
    """Find the lines of what is said about some subjects.

    Args:
        text: the whole text, which the parser has taken.
        base_iri: what relative IRIs are resolved against.
        subjects: IRIs of the things that are looked for.
    """
    scan = _Scan(base_iri, subjects)
    for word, kind, line in _words(text):
        scan.take(word, kind, line)
    return scan.found


def _words(text: str) -> Iterator[tuple[str, str, int]]:
    line = 1
    for found in _WORD.finditer(text):
        word, kind = found[0], found.lastgroup or "other"
        if kind == "name" and word.endswith(".") and len(word) > 1:
            yield word.rstrip("."), kind, line
            yield ".", "mark", line
        elif kind != "blank":
            yield word, "mark" if word == "." else kind, line
        line += word.count("\n")


class _Scan:
    def __init__(self, base_iri: str, subjects: Collection[str]) -> None:
        self.found = Lines()
        self._base, self._subjects = base_iri, subjects
        self._prefixes: dict[str, str] = {}
        self._depth = 0
        self._said: list[str | None] = []
        self._directive: list[str] | None = None

    def take(self, word: str, kind: str, line: int) -> None:
        """Take one word."""
        if self._directive is not None:
            self._direct(word)
        elif kind == "mark":
            self._mark(word, line)
        elif self._depth == 0:
            if not self._said and word.lower() in _DIRECTIVES:
                self._directive = [word.lower()]
            else:
                self._term(word, kind, line)

    def _direct(self, word: str) -> None:
        directive = self._directive or []
        directive.append(word)
        kind = directive[0].lstrip("@")
        whole = 3 if kind == "prefix" else 2
        if len(directive) == whole:
            if kind == "prefix":
                self._prefixes[directive[1].removesuffix(":")] = self._iri(directive[2])
            elif kind == "base":
                self._base = self._iri(directive[1])
        if len(directive) > whole or (len(directive) == whole and directive[0][0] != "@"):
            self._directive = None

    def _mark(self, word: str, line: int) -> None:
        if word in "[(":
            if self._depth == 0:
                self._term("", "other", line)
            self._depth += 1
        elif word in "])":
            self._depth -= 1
        elif word in ".{}" and (word != "." or self._depth == 0):
            self._said = []
            self._depth = 0
        elif self._depth == 0 and word == ";":
            self._said = self._said[:1]
        elif self._depth == 0 and word == ",":
            self._said = self._said[:2]

    def _term(self, word: str, kind: str, line: int) -> None:
        if word.startswith("@") or (self._said and self._said[-1] == "^^"):
            return
        if not self._said and word.lower() == "graph":
            return
        if len(self._said) > 2:  # the graph of N-Quads, or the datatype behind ^^
            return
        self._said.append(self._read(word, kind))
        known = tuple(one for one in self._said if one is not None)
        if len(known) == len(self._said) and known[0] in self._subjects:
            self.found.of.setdefault(known, line)

    def _read(self, word: str, kind: str) -> str | None:
        if kind == "iri":
            return self._iri(word)
        if kind == "text":
            quotes = 3 if word[:3] in ('"""', "'''") else 1
            return word[quotes:-quotes]
        if kind != "name" or word.startswith("_:"):
            return None
        if word == "a" and len(self._said) == 1:
            return _TYPE
        prefix, colon, local = word.partition(":")
        if not colon:
            return word
        space = self._prefixes.get(prefix)
        return None if space is None else space + re.sub(r"\\(.)", r"\1", local)

    def _iri(self, word: str) -> str:
        iri = word[1:-1]  # urljoin would take an empty fragment (#) off
        return iri if _ABSOLUTE.match(iri) else urljoin(self._base, iri)
