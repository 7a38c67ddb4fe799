"""The named graphs that an update can write, read from its tokens; None where uncertain.

Certain is a text in which no token can be read in two ways: engines take keywords that are glued
together apart, and ``<`` for "less than" where that fits. What a pattern after WHERE reads does
not matter, so only the templates and the graphs named outside of them are read.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from coprod_kg.sparql.tokens import Token, significant

__all__ = ["deciding_graphs", "is_unambiguous", "templates", "written_graphs"]

_IRI: Final = re.compile(r"<([A-Za-z][A-Za-z0-9]*):[^\\]*>")
"""An absolute IRI; its scheme is looked for among the prefixes."""
_RELATIVE: Final = re.compile(r"<(?!true|false)[A-Za-z][A-Za-z0-9_./~%#-]*>", re.IGNORECASE)
"""A relative IRI that begins like no expression, so that its ``<`` is not "less than"."""
_WORDS: Final = frozenset(
    {"A", "BASE", "CLEAR", "CREATE", "DATA", "DEFAULT", "DELETE", "DROP", "FALSE", "GRAPH"}
    | {"INSERT", "PREFIX", "SILENT", "TRUE", "USING", "WHERE", "WITH"}
)
"""What is certain outside of a pattern. ALL, COPY, MOVE, ADD and LOAD are written otherwise."""
_GLUED: Final = re.compile(
    ".*(graph|named|using|with)|add|clear|copy|create|delete|drop|insert|into|load|move|prefix"
    "|silent|to|where",
    re.IGNORECASE,
)
"""The beginning of a name that may be a keyword and a name."""


def written_graphs(text: str) -> tuple[str, ...] | None:
    """The IRIs of all named graphs that an update can change, or None where that is uncertain.

    It may change the default graph in any case.

    >>> written_graphs("INSERT DATA { GRAPH <urn:g> { <urn:a> <urn:p> 'CLEAR ALL' } }")
    ('urn:g',)
    >>> written_graphs("INSERT { GRAPH ?g { ?s ?p 1 } } WHERE { GRAPH ?g { ?s ?p 2 } }") is None
    True
    """
    tokens = list(significant(text))
    names = templates(tokens) if is_unambiguous(tokens) else None
    return None if names is None or names[1] else names[0]


def templates(tokens: Sequence[Token]) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """The IRIs and the variables that name the graphs which are written; None where uncertain.

    Args:
        tokens: of an update, and ``is_unambiguous`` to be read so.
    """
    graphs, variables = dict[str, None](), dict[str, None]()
    using = False
    for token, following in _outside_patterns(tokens):
        is_using_named = using and token.is_word("NAMED")  # DROP NAMED is of all graphs
        if token.kind == "word" and token.text.upper() not in _WORDS and not is_using_named:
            return None
        using = token.is_word("USING")
        if token.is_word("GRAPH", "WITH"):
            if following and following.kind == "variable":
                variables[following.text] = None
                continue
            iri = following.text if following and following.kind == "iri" else ""
            if not _IRI.fullmatch(iri) or "/." in iri:  # it has to be made an IRI first
                return None
            graphs[iri[1:-1]] = None
    return tuple(graphs), tuple(variables)


def deciding_graphs(text: str) -> tuple[str, ...] | None:
    """The IRIs of the only named graphs on which the outcome of an update depends; None: on any.

    They are those it writes, where it has no pattern. The default graph may decide too.

    >>> deciding_graphs("INSERT DATA { GRAPH <urn:g> { <urn:a> <urn:p> 1 } }")
    ('urn:g',)
    >>> deciding_graphs("DELETE WHERE { GRAPH <urn:g> { ?s ?p ?o } }") is None
    True
    """
    if any(token.is_word("WHERE") for token in significant(text)):
        return None
    return written_graphs(text)


def is_unambiguous(tokens: Sequence[Token]) -> bool:
    """Whether every reader of the text they come from sees these tokens.

    An IRI could be "less than" and a prefixed name only if its scheme were a prefix.
    """
    prefixes = {token.text.partition(":")[0] for token in tokens if token.kind == "pname"}
    for token in tokens:
        if token.kind == "iri":
            absolute = _IRI.fullmatch(token.text)
            if absolute[1] in prefixes if absolute else not _RELATIVE.fullmatch(token.text):
                return False
        elif token.kind == "pname":
            if _GLUED.match(token.text.partition(":")[0]) or "\\" in token.text:
                return False
        elif token.text in ("'", '"', "\\"):
            return False
    return True


def _outside_patterns(tokens: Sequence[Token]) -> Iterator[tuple[Token, Token | None]]:
    """Each token that is not in a pattern that is only read, with the one after it."""
    depth, reads = 0, False
    for index, token in enumerate(tokens):
        if depth == 0 and token.is_word("WHERE"):
            reads = not (index and tokens[index - 1].is_word("DELETE"))
        depth += {"{": 1, "}": -1}.get(token.text, 0) if token.kind == "mark" else 0
        if not (reads and depth):
            yield token, tokens[index + 1] if index + 1 < len(tokens) else None
        reads = reads and (depth > 0 or token.text != "}")
