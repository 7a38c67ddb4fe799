"""Query for the graphs that an update with a variable after GRAPH will write.

Asked of the store that the update is about to be run on, its answer together with the graphs that
are named in the text holds every graph that can change. None where the tokens leave a doubt, where
an operation is of another kind, or where the pattern may bind something else a second time.
"""

from typing import Final, NamedTuple

from coprod_kg.sparql.dataset import prologue_length
from coprod_kg.sparql.tokens import Token, significant
from coprod_kg.sparql.update_operations import split_operations
from coprod_kg.sparql.update_targets import is_unambiguous, templates

__all__ = ["GraphBindings", "graph_bindings"]

_CHANGING: Final = ("BNODE", "NOW", "RAND", "SERVICE", "STRUUID", "UUID")


class GraphBindings(NamedTuple):
    """How to find the graphs that an operation writes.

    Attributes:
        graphs: the IRIs of those that its text names.
        query: a SELECT of the others; empty where there are none.
        default: the graphs that its pattern reads as the default one; None for the store's.
        named: the graphs that its pattern may name; None for all.
    """

    graphs: tuple[str, ...]
    query: str
    default: tuple[str, ...] | None
    named: tuple[str, ...] | None


def graph_bindings(text: str) -> GraphBindings | None:
    """What to ask before the one operation of a text is run, or None where that is uncertain.

    >>> graph_bindings("DELETE WHERE { GRAPH ?g { ?s <urn:p> 1 } }").query
    'SELECT DISTINCT ?g WHERE { GRAPH ?g { ?s <urn:p> 1 } }'
    >>> graph_bindings("DROP ALL") is None
    True
    """
    tokens = list(significant(text))
    operations = [part for part in split_operations(tokens) if part[prologue_length(part) :]]
    if not is_unambiguous(tokens) or len(operations) != 1 or any(map(_may_differ, tokens)):
        return None
    (operation,) = operations
    length = prologue_length(operation)
    body = operation[length:]
    graphs_written = templates(body)
    if graphs_written is None:
        return None
    graphs, variables = graphs_written
    if not variables:
        return GraphBindings(graphs, "", None, None)
    depth, indexes = 0, []
    for index, token in enumerate(body):
        depth += {"{": 1, "}": -1}.get(token.text, 0) if token.kind == "mark" else 0
        if depth == 0 and token.is_word("WHERE", "USING", "WITH"):
            indexes.append(index)
    default, named = list[str](), list[str]()
    for index in indexes[:-1]:
        graph_list = named if body[index + 1].is_word("NAMED") else default
        token = body[index + 1 + body[index + 1].is_word("NAMED")]
        if token.kind != "iri":
            return None
        if not (body[index].is_word("WITH") and len(indexes) > 2):  # USING takes its place
            graph_list.append(token.text[1:-1])
    prologue = f"{text[operation[0].start : operation[length - 1].end]} " if length else ""
    pattern = text[body[indexes[-1]].start : body[-1].end]
    using = any(body[index].is_word("USING") for index in indexes)
    return GraphBindings(
        graphs,
        f"{prologue}SELECT DISTINCT {' '.join(variables)} {pattern}",
        tuple(default) if indexes[:-1] else None,
        tuple(named) if using else None,
    )


def _may_differ(token: Token) -> bool:
    return token.is_word(*_CHANGING)
