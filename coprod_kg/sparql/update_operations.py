"""Division of an update into its operations, where the engine would not merge what they read.

SPARQL 1.1 Update, section 3.1.3: several graphs after USING are merged, and an operation without
USING or WITH reads the default graph of the store, which by our default is the merge of all.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from coprod_kg.errors import QueryRefused
from coprod_kg.sparql.dataset import graphs_query, prologue_length
from coprod_kg.sparql.tokens import Token, significant
from coprod_kg.sparql.update_targets import is_unambiguous

__all__ = ["Operation", "operations", "split_operations"]

_READS_NOTHING: Final = frozenset(
    {"BIND", "EXISTS", "FILTER", "MINUS", "NOT", "OPTIONAL", "UNION", "WHERE", "{", "}", "."}
)
"""The tokens that may stand outside of GRAPH in a pattern that reads no triple there."""


class Operation(NamedTuple):
    """One operation of an update, and which graphs have to be merged for what it reads.

    Attributes:
        before_using: its text; where graphs are merged, that before the place of USING.
        after_using: the text that follows.
        graphs_query: a SELECT that finds the graphs as ``?default``; None for all there are, empty
            where nothing is merged.
        reads_names: whether it reads all graphs by their names, too.
        in_place: where all are merged, its text for a published store, which has their merge: what
            it writes to no graph is written to the one that stands for the default graph.
    """

    before_using: str
    after_using: str = ""
    graphs_query: str | None = ""
    reads_names: bool = False
    in_place: str = ""


def operations(text: str, *, union: bool, unnamed: str = "urn:x") -> tuple[Operation, ...]:
    """The operations of an update, or none where the engine can be given the whole.

    Args:
        text: the update.
        union: whether the default graph that operations read is the merge of all graphs.
        unnamed: the graph in which a published store keeps the default graph that they write.

    Raises:
        QueryRefused: graphs are to be merged, and which can be read in more than one way.

    >>> text = "INSERT { <a> <b> ?n } WHERE { ?s <p> ?n }"
    >>> [operation.graphs_query for operation in operations(text, union=True)]
    [None]
    >>> operations("INSERT { <a> <b> ?n } WHERE { GRAPH <g> { ?s <p> ?n } }", union=True)
    ()
    """
    tokens = list(significant(text))
    parts, prologue = list[Operation](), ""
    for operation in split_operations(tokens):
        length = prologue_length(operation)
        body = operation[length:]
        if length:
            prologue += text[operation[0].start : operation[length - 1].end] + " "
        if body:
            parts.append(_Reader(text, prologue, body, unnamed).operation(union=union))
    if all(operation.graphs_query == "" for operation in parts):
        return ()
    if not is_unambiguous(tokens):
        raise QueryRefused(
            "which graphs the update merges cannot be read with certainty",
            fix="Write keywords and names with a space between them, and take prefixes that do "
            "not begin like a keyword, as to: and add: do.",
        )
    return tuple(parts)


def split_operations(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """The tokens of each operation of an update, its prologue among them."""
    depth, operation = 0, list[Token]()
    for token in tokens:
        depth += {"{": 1, "}": -1}.get(token.text, 0)
        if depth == 0 and token.text == ";":
            yield operation
            operation = []
        else:
            operation.append(token)
    yield operation


class _Reader:
    """Reader of the tokens of one operation of an update."""

    def __init__(self, text: str, prologue: str, tokens: Sequence[Token], unnamed: str) -> None:
        self._text = text
        self._unnamed = unnamed
        self._prologue = prologue
        self._tokens = tokens
        self._outside = list(_outside(tokens))

    def operation(self, *, union: bool) -> Operation:
        """The operation, with the query for the graphs that it has to read merged."""
        words = {self._tokens[index].text.upper() for index in self._outside}
        graphs = self._using()
        if len(graphs) > 1:
            merged_query = graphs_query(
                self._prologue, [self._tokens[index + 1].text for index in graphs]
            )
            return self._without_using(graphs, merged_query)
        if union and "WHERE" in words and not words & {"USING", "WITH"}:
            index = next(
                candidate for candidate in self._outside if self._tokens[candidate].is_word("WHERE")
            )
            pattern = self._tokens[index:]
            if _reads_default(pattern):
                return self._reading_union(index, pattern)
        return Operation(self._prologue + self._between(0, len(self._tokens)))

    def _using(self) -> list[int]:
        """The places of USING with a graph for the default graph."""
        indexes = [index for index in self._outside if self._tokens[index].is_word("USING")]
        following = self._tokens[1:]
        return [index for index in indexes if not following[index].is_word("NAMED")]

    def _without_using(self, graphs: Sequence[int], merged_query: str) -> Operation:
        first, *rest = graphs
        tail, start = "", first + 2
        for index in rest:
            tail += self._between(start, index) + " "
            start = index + 2
        tail += self._between(start, len(self._tokens))
        return Operation(f"{self._prologue}{self._between(0, first)} ", f" {tail}", merged_query)

    def _reading_union(self, index: int, pattern: Sequence[Token]) -> Operation:
        head, tail = self._between(0, index), self._between(index, len(self._tokens))
        wrapped = self._wrapped(self._tokens[:index])
        if self._tokens[index - 1].is_word("DELETE"):  # DELETE WHERE is short for DELETE of it
            head += tail[len("WHERE") :]
            wrapped += self._wrapped(pattern[1:])
        names_graphs = any(token.is_word("GRAPH") for token in pattern)
        in_place = f"{self._prologue}{wrapped} {tail}"
        return Operation(f"{self._prologue}{head} ", f" {tail}", None, names_graphs, in_place)

    def _wrapped(self, tokens: Sequence[Token]) -> str:
        """The text of templates, with all that is in no GRAPH in the graph for such triples."""
        text, offset = "", tokens[0].start
        depth, graph_open, in_graph = 0, False, False
        for token in tokens:
            depth -= token.text == "}"
            in_graph = depth == 1 and (in_graph or token.is_word("GRAPH"))
            triples = depth == 1 and not in_graph and token.text not in ("{", "}", ".")
            text += self._text[offset : token.start]
            offset = token.end
            if graph_open and (in_graph or depth == 0):
                text, graph_open = f"{text}}} ", False
            elif triples and not graph_open:
                text, graph_open = f"{text}GRAPH <{self._unnamed}> {{ ", True
            if token.text == "{":
                depth, in_graph = depth + 1, False
            if token.text != "." or graph_open or depth > 1:  # one after GRAPH { } says nothing
                text += token.text
        return text

    def _between(self, start: int, end: int) -> str:
        """The text of the tokens from one place to before another."""
        if start >= end:
            return ""
        return self._text[self._tokens[start].start : self._tokens[end - 1].end]


def _outside(tokens: Sequence[Token]) -> Iterator[int]:
    """The places of the words that stand in no braces."""
    depth = 0
    for index, token in enumerate(tokens):
        depth += {"{": 1, "}": -1}.get(token.text, 0)
        if depth == 0 and token.kind == "word" and index + 1 < len(tokens):
            yield index


def _reads_default(pattern: Sequence[Token]) -> bool:
    """Whether a pattern may read triples outside of GRAPH; in doubt it does."""
    depth, graph_depths, index = 0, list[int](), 0
    parentheses = 0
    while index < len(pattern):
        token = pattern[index]
        depth += {"{": 1, "}": -1}.get(token.text, 0)
        if graph_depths and depth == graph_depths[-1]:  # the braces of GRAPH are closed
            graph_depths.pop()
        elif graph_depths:
            pass
        elif token.is_word("GRAPH"):
            graph_depths.append(depth)
            index += 2  # its name, and the braces that open
            depth += 1
        elif parentheses and token.text == "{":
            return True  # a pattern within an expression
        elif token.text in ("(", ")"):
            parentheses += 1 if token.text == "(" else -1
        elif not parentheses and token.text.upper() not in _READS_NOTHING:
            return True
        index += 1
    return False
