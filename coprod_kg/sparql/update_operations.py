"""Division of an update into its operations, where the engine would not merge what they read.

SPARQL 1.1 Update, section 3.1.3: several graphs after USING are merged, and an operation without
USING or WITH reads the default graph of the store, which by our default is the merge of all.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from coprod_kg.errors import QueryRefused
from coprod_kg.sparql.dataset import finding, prologue_length
from coprod_kg.sparql.tokens import Token, significant
from coprod_kg.sparql.update_targets import certain

__all__ = ["Operation", "operations", "parted"]

_READS_NOTHING: Final = frozenset(
    {"BIND", "EXISTS", "FILTER", "MINUS", "NOT", "OPTIONAL", "UNION", "WHERE", "{", "}", "."}
)
"""The tokens that may stand outside of GRAPH in a pattern that reads no triple there."""


class Operation(NamedTuple):
    """One operation: see `coprod_kg.store.base.Operation`, which has the same fields."""

    before: str
    after: str = ""
    merged: str | None = ""
    named: bool = False
    in_place: str = ""


def operations(text: str, *, union: bool, unnamed: str = "urn:x") -> tuple[Operation, ...]:
    """The operations of an update, or none where the engine can be given the whole.

    Args:
        text: the update.
        union: whether the default graph that operations read is the merge of all graphs.
        unnamed: the graph in which a published store keeps the default graph that they write.

    Raises:
        QueryRefused: graphs are to be merged, and which can be read in more than one way.

    >>> [op.merged for op in operations("INSERT { <a> <b> ?n } WHERE { ?s <p> ?n }", union=True)]
    [None]
    >>> operations("INSERT { <a> <b> ?n } WHERE { GRAPH <g> { ?s <p> ?n } }", union=True)
    ()
    """
    tokens = list(significant(text))
    parts, prologue = list[Operation](), ""
    for operation in parted(tokens):
        length = prologue_length(operation)
        body = operation[length:]
        if length:
            prologue += text[operation[0].start : operation[length - 1].end] + " "
        if body:
            parts.append(_Reader(text, prologue, body, unnamed).operation(union=union))
    if all(operation.merged == "" for operation in parts):
        return ()
    if not certain(tokens):
        raise QueryRefused(
            "which graphs the update merges cannot be read with certainty",
            fix="Write keywords and names with a space between them, and take prefixes that do "
            "not begin like a keyword, as to: and add: do.",
        )
    return tuple(parts)


def parted(tokens: Sequence[Token]) -> Iterator[list[Token]]:
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
    """One operation of an update, as its tokens tell."""

    def __init__(self, text: str, prologue: str, tokens: Sequence[Token], unnamed: str) -> None:
        self._text = text
        self._unnamed = unnamed
        self._prologue = prologue
        self._tokens = tokens
        self._outside = list(_outside(tokens))

    def operation(self, *, union: bool) -> Operation:
        """The operation, and what it has to be given merged."""
        words = {self._tokens[place].text.upper() for place in self._outside}
        graphs = self._using()
        if len(graphs) > 1:
            finds = finding(self._prologue, [self._tokens[place + 1].text for place in graphs])
            return self._without(graphs, finds)
        if union and "WHERE" in words and not words & {"USING", "WITH"}:
            place = next(at for at in self._outside if self._tokens[at].is_word("WHERE"))
            pattern = self._tokens[place:]
            if _reads_default(pattern):
                return self._reading_all(place, pattern)
        return Operation(self._prologue + self._between(0, len(self._tokens)))

    def _using(self) -> list[int]:
        """The places of USING with a graph for the default graph."""
        places = [place for place in self._outside if self._tokens[place].is_word("USING")]
        following = self._tokens[1:]
        return [place for place in places if not following[place].is_word("NAMED")]

    def _without(self, graphs: Sequence[int], finds: str) -> Operation:
        first, *others = graphs
        after, start = "", first + 2
        for place in others:
            after += self._between(start, place) + " "
            start = place + 2
        after += self._between(start, len(self._tokens))
        return Operation(f"{self._prologue}{self._between(0, first)} ", f" {after}", finds)

    def _reading_all(self, place: int, pattern: Sequence[Token]) -> Operation:
        before, after = self._between(0, place), self._between(place, len(self._tokens))
        wrapped = self._wrapped(self._tokens[:place])
        if self._tokens[place - 1].is_word("DELETE"):  # DELETE WHERE is short for DELETE of it
            before += after[len("WHERE") :]
            wrapped += self._wrapped(pattern[1:])
        named = any(token.is_word("GRAPH") for token in pattern)
        in_place = f"{self._prologue}{wrapped} {after}"
        return Operation(f"{self._prologue}{before} ", f" {after}", None, named, in_place)

    def _wrapped(self, tokens: Sequence[Token]) -> str:
        """The text of templates, with all that is in no GRAPH in the graph for such triples."""
        written, at = "", tokens[0].start
        depth, opened, named = 0, False, False
        for token in tokens:
            depth -= token.text == "}"
            named = depth == 1 and (named or token.is_word("GRAPH"))
            triples = depth == 1 and not named and token.text not in ("{", "}", ".")
            written += self._text[at : token.start]
            at = token.end
            if opened and (named or depth == 0):
                written, opened = f"{written}}} ", False
            elif triples and not opened:
                written, opened = f"{written}GRAPH <{self._unnamed}> {{ ", True
            if token.text == "{":
                depth, named = depth + 1, False
            if token.text != "." or opened or depth > 1:  # one after GRAPH { } says nothing
                written += token.text
        return written

    def _between(self, start: int, end: int) -> str:
        """The text of the tokens from one place to before another."""
        if start >= end:
            return ""
        return self._text[self._tokens[start].start : self._tokens[end - 1].end]


def _outside(tokens: Sequence[Token]) -> Iterator[int]:
    """The places of the words that stand in no braces."""
    depth = 0
    for place, token in enumerate(tokens):
        depth += {"{": 1, "}": -1}.get(token.text, 0)
        if depth == 0 and token.kind == "word" and place + 1 < len(tokens):
            yield place


def _reads_default(pattern: Sequence[Token]) -> bool:
    """Whether a pattern may read triples outside of GRAPH; in doubt it does."""
    depth, inside, place = 0, list[int](), 0
    parentheses = 0
    while place < len(pattern):
        token = pattern[place]
        depth += {"{": 1, "}": -1}.get(token.text, 0)
        if inside and depth == inside[-1]:  # the braces of GRAPH are closed
            inside.pop()
        elif inside:
            pass
        elif token.is_word("GRAPH"):
            inside.append(depth)
            place += 2  # its name, and the braces that open
            depth += 1
        elif parentheses and token.text == "{":
            return True  # a pattern within an expression
        elif token.text in ("(", ")"):
            parentheses += 1 if token.text == "(" else -1
        elif not parentheses and token.text.upper() not in _READS_NOTHING:
            return True
        place += 1
    return False
