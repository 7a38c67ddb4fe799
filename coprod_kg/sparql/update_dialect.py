"""Rewriting of updates that Oxigraph would read otherwise than SPARQL 1.1 says.

Two things are read otherwise by Oxigraph 0.5.13: a prologue after the first operation is refused,
and ``CLEAR ALL`` takes the names of the graphs away from a store on disk, as ``DROP ALL`` does.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from coprod_kg.sparql.tokens import Token, significant

__all__ = ["rewrite_update"]


@dataclass(slots=True)
class _Edits:
    """The edits of one update.

    Attributes:
        first: where the first operation begins.
        declared: prefix → IRI, as written.
        moved: the declarations that go before the first operation.
        pieces: beginning, end and new text of each place.
    """

    first: int | None = None
    declared: dict[str, str] = field(default_factory=dict)
    moved: list[str] = field(default_factory=list)
    pieces: list[tuple[int, int, str]] = field(default_factory=list)

    def declare(self, text: str, declaration_tokens: Sequence[Token]) -> bool:
        """Note a declaration to be moved to the beginning; false where it cannot be moved."""
        word, name, iri = declaration_tokens
        if name.kind != "pname" or iri.kind != "iri":
            return False
        if self.declared.setdefault(name.text, iri.text) != iri.text:
            return False  # it means something else before
        if self.first is not None:
            self.moved.append(f"PREFIX {name.text} {iri.text} ")
            declaration = text[word.start : iri.end]
            self.pieces.append((word.start, iri.end, "\n" * declaration.count("\n") or " "))
        return True

    def applied(self, text: str) -> str:
        """The text with all edits made."""
        if self.first is not None and self.moved:
            self.pieces.append((self.first, self.first, "".join(self.moved)))
        for start, end, new in sorted(self.pieces, reverse=True):
            text = text[:start] + new + text[end:]
        return text


def rewrite_update(text: str) -> str:
    """The same update in words that the engine reads; text that is not an update stays as it is.

    >>> rewrite_update("CREATE GRAPH <urn:g>; PREFIX x: <urn:> CREATE GRAPH x:h")
    'PREFIX x: <urn:> CREATE GRAPH <urn:g>;   CREATE GRAPH x:h'
    >>> rewrite_update("CLEAR SILENT ALL")
    'CLEAR SILENT DEFAULT; CLEAR SILENT NAMED'
    """
    tokens, edits, depth = list(significant(text)), _Edits(), 0
    for index, token in enumerate(tokens):
        depth += {"{": 1, "}": -1}.get(token.text, 0)
        if depth or token.kind != "word":
            continue
        following = tokens[index + 1 : index + 3]
        if token.is_word("PREFIX"):
            if len(following) < 2 or not edits.declare(text, [token, *following]):
                return text
        elif token.is_word("BASE"):
            if edits.first is not None:
                return text
        elif edits.first is None:
            edits.first = token.start
        if token.is_word("CLEAR"):
            edits.pieces += _clear_edits(token, following)
    return edits.applied(text)


def _clear_edits(clear: Token, following: Sequence[Token]) -> list[tuple[int, int, str]]:
    silent = "SILENT " if following and following[0].is_word("SILENT") else ""
    scope = following[1:] if silent else following[:1]
    if not scope or not scope[0].is_word("ALL"):
        return []
    return [(clear.start, scope[0].end, f"CLEAR {silent}DEFAULT; CLEAR {silent}NAMED")]
