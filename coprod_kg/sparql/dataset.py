"""The RDF dataset that a query names by FROM and FROM NAMED, read from its tokens.

It must be known before the engine runs the query, which would merge several graphs as a bag. FROM
is found also where it is glued to its neighbours, as Oxigraph reads ``ASKFROM:g``.
"""

import re
from collections.abc import Sequence
from typing import Final

from coprod_kg.errors import QueryRefused
from coprod_kg.sparql.tokens import Token, significant

__all__ = ["dataset_of", "graphs_query", "may_name_graphs", "names_its_dataset", "prologue_length"]

_AT_FROM: Final = re.compile(r"(?:ask|construct)?from", re.IGNORECASE)
_AFTER_FROM: Final = re.compile(r"from(?:named)?$", re.IGNORECASE)
_GRAPH: Final = re.compile(r"graph|\\u", re.IGNORECASE)


def names_its_dataset(text: str) -> bool:
    """Whether a query says FROM, also where that is glued to its neighbours (``ASKFROM:g``).

    A name such as ``from:g`` is taken for a name where its prefix is declared and a name may be.
    """
    if not re.search("from", text, re.IGNORECASE):
        return False  # no token can hold it
    declared, depth, previous = set[str](), 0, Token("space", "", 0)
    describes = False
    for token in significant(text, 0):
        if token.text == "{" and depth == 0 and not previous.is_word("CONSTRUCT"):
            return False  # the pattern begins: no FROM comes after it
        depth += {"{": 1, "(": 1, "}": -1, ")": -1}.get(token.text, 0)
        describes = describes or token.is_word("DESCRIBE")
        if token.kind == "pname":
            prefix = token.text.partition(":")[0]
            if previous.is_word("PREFIX"):
                declared.add(prefix)
            elif _AT_FROM.match(prefix) and (prefix not in declared or not (describes or depth)):
                return True
        is_name = token.kind in ("iri", "pname") or token.is_word("NAMED")
        if is_name and previous.kind == "word" and _AFTER_FROM.search(previous.text):
            return True
        previous = token
    return False


def may_name_graphs(text: str) -> bool:
    """Whether a query could say GRAPH; an escape may stand for any of its letters."""
    return bool(_GRAPH.search(text))


def dataset_of(text: str) -> str | None:
    """The value of `coprod_kg.store.base.Query.dataset_query` for a query.

    Returns:
        None where the query has no FROM; an empty text where it has one, which the engine reads
        rightly; for several, a SELECT by which the engine resolves their names against the
        query's own prefixes, so that the store can merge those graphs first.

    Raises:
        QueryRefused: it names several graphs, in a way that can be read as others too.

    >>> dataset_of("ASK { }"), dataset_of("ASK FROM <urn:g> { }")
    (None, '')
    >>> dataset_of("PREFIX : <urn:> ASK FROM :a FROM <b> FROM NAMED :c { }")
    'PREFIX : <urn:>  SELECT * { VALUES (?default ?named) { (:a UNDEF) (<b> UNDEF) (UNDEF :c) } }'
    """
    if not names_its_dataset(text):
        return None
    head = _before_the_pattern(text)
    start = prologue_length(head)
    if sum("from" in token.text.lower() for token in head[start:]) < 2:
        return ""
    default, named, depth, index = list[str](), list[str](), 0, start
    while index < len(head):
        token, graphs, index = head[index], default, index + 1
        depth += {"(": 1, "{": 1, ")": -1, "}": -1}.get(token.text, 0)
        if not token.is_word("FROM"):
            if depth == 0 and token.kind in ("word", "pname") and "from" in token.text.lower():
                raise _ambiguous()
            continue
        if index < len(head) and head[index].is_word("NAMED"):
            graphs, index = named, index + 1
        if index == len(head) or head[index].kind not in ("iri", "pname"):
            raise _ambiguous()
        graphs.append(head[index].text)
        index += 1
    return graphs_query(text[: head[start].start], default, named)


def graphs_query(prologue: str, default: Sequence[str], named: Sequence[str] = ()) -> str:
    """A SELECT whose rows are the IRIs of some graphs, their names resolved by a prologue."""
    rows = [*(f"({name} UNDEF)" for name in default), *(f"(UNDEF {name})" for name in named)]
    return f"{prologue} SELECT * {{ VALUES (?default ?named) {{ {' '.join(rows)} }} }}"


def _before_the_pattern(text: str) -> list[Token]:
    """The tokens before the braces of the pattern."""
    head, depth = list[Token](), 0
    for token in significant(text, 0):
        template = depth == 0 and head and head[-1].is_word("CONSTRUCT")
        if token.text == "{" and depth == 0 and not template:
            break
        head.append(token)
        depth += {"{": 1, "}": -1}.get(token.text, 0)
    return head


def prologue_length(tokens: Sequence[Token]) -> int:
    """How many of the tokens declare prefixes and the base."""
    index = 0
    while index < len(tokens) and tokens[index].is_word("PREFIX", "BASE"):
        index += 3 if tokens[index].is_word("PREFIX") else 2
    return index


def _ambiguous() -> QueryRefused:
    return QueryRefused(
        "which graphs the query merges cannot be read with certainty",
        fix="Write FROM, NAMED and the names of graphs with a space between them.",
    )
