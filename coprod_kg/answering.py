"""The asking road: admit a query, then ask the store; it never changes data nor opens a connection.

A query is admitted by its tokens. Engines differ in where a token ends: Oxigraph reads
``SERVICE:a`` as the keyword and a name, and takes ``<`` for "less than" wherever that fits, so
that ``1<2)#>`` may be an IRI or the beginning of a comment. Every such reading is looked at, and
one that calls another service is enough to refuse.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Final

from coprod_kg.catalogue.dataset import names_its_dataset
from coprod_kg.catalogue.negation import subtracted
from coprod_kg.catalogue.queries import SavedQuery, load_all
from coprod_kg.catalogue.tokens import Token, position, significant, token_at
from coprod_kg.errors import QueryRefused, QuerySyntax
from coprod_kg.results.permitted import permitting
from coprod_kg.results.suppression import ask_withholding
from coprod_kg.results.table import Table, read_table
from coprod_kg.settings import Settings
from coprod_kg.store.base import Answer, Query, Store

__all__ = ["admit", "admitted", "ask", "explained", "permitted", "run_saved"]

_ESCAPE: Final = re.compile(r"\\u([0-9A-Fa-f]{4})|\\U(0010[0-9A-Fa-f]{4}|000[0-9A-Fa-f]{5})")
_AMBIGUOUS: Final = re.compile(r"[#']|service|load", re.IGNORECASE)
"""What in an IRI would be read otherwise if its ``<`` were "less than"."""
_KEYWORD: Final = re.compile(r"service", re.IGNORECASE | re.ASCII)
_GRAPH: Final = re.compile(r"graph|\\u", re.IGNORECASE)
_RECORDS: Final = ("ontology", "provenance", "catalogue", "queries")
_BEFORE_A_GRAPH: Final = ("GRAPH", "FROM", "NAMED", "DESCRIBE")
_TARGETS: Final = ("iri", "pname", "variable")
_READINGS: Final = 20
"""How many times over a text may be read before it counts as made to confuse."""


def ask(store: Store, query: Query, settings: Settings) -> Answer:
    """Admit a query and ask it.

    A query that names its dataset (FROM, or the graphs of the request) is asked over just that;
    the engine would let the union of all graphs win over FROM without a word. Where the default
    graph is strict, a dataset that nothing names is the data: the graphs in which this software
    keeps its records are part of it only for a query that writes out the base IRI.

    Raises:
        QueryRefused: it calls a service that the settings do not allow, or loads something.
        CoprodError: what `coprod_kg.store.base.Store.query` raises.
    """
    asked = admitted(query, settings)
    if (quicker := subtracted(query.text)) != query.text:
        with suppress(QuerySyntax):  # what is wrong with it is told of the text that was sent
            return store.query(replace(asked, text=quicker))
    try:
        return store.query(asked)
    except QuerySyntax as error:
        raise explained(error, query.text) from None


def admitted(query: Query, settings: Settings) -> Query:
    """The query as it is put to a store; raises what `ask` raises before that."""
    admit(query.text, settings)
    named = bool(query.default_graphs or query.named_graphs) or names_its_dataset(query.text)
    union = query.union and not named
    apart = () if union or named else _apart(query.text, settings)
    if (union, apart) == (query.union, query.apart):
        return query
    return replace(query, union=union, apart=apart)


def _apart(text: str, settings: Settings) -> tuple[str, ...]:
    strict = settings.default_graph == "strict"
    if not strict or settings.base_iri in text or not _GRAPH.search(text):
        return ()
    return tuple(f"{settings.base_iri}graph/{name}" for name in _RECORDS)


def explained(error: QuerySyntax, text: str) -> QuerySyntax:
    """The error, or a plainer one where a prefix is not declared, of which the engine says little.

    Args:
        error: what the engine said.
        text: the query or update.
    """
    declared: set[str] = set()
    declares = False
    for token in significant(text, 0):
        if token.kind == "pname":
            prefix = token.text.partition(":")[0]
            if declares:
                declared.add(prefix)
            elif prefix not in declared:
                line, column = position(text, token.start)
                return QuerySyntax(
                    f"the prefix {prefix[:80]}: is not declared",
                    where=f"line {line}, column {column}",
                    fix=f"Write PREFIX {prefix[:80]}: <…> before the query.",
                )
        declares = token.is_word("PREFIX")
    return error


def run_saved(
    store: Store,
    saved: SavedQuery,
    values: Mapping[str, Sequence[str]],
    asking: Query,
    settings: Settings,
) -> Answer:
    """Bind a saved query to values and ask it.

    Args:
        store: what is asked.
        saved: the saved query.
        values: parameter → values as a person writes them.
        asking: media types, version and deadline; its text is not looked at.
        settings: the base IRI, what SERVICE may call, and where other saved queries are.

    Raises:
        WrongUsage: lists every bad parameter.
        CoprodError: what `ask` raises.
    """
    saved = permitted(store, saved, values, asking, settings)
    bound = Query(
        saved.bind(values, settings.base_iri),
        asking.media_types or saved.media_types,
        version=asking.version,
        seconds=asking.seconds,
        union=True,
    )
    return ask_withholding(
        partial(ask, store, settings=settings), saved.small_counts, bound, bound.text
    )


def permitted(
    store: Store,
    saved: SavedQuery,
    values: Mapping[str, Sequence[str]] | None,
    asking: Query,
    settings: Settings,
) -> SavedQuery:
    """The saved query, its parameters knowing the values that other saved queries find.

    Args:
        store: what is asked.
        saved: the saved query; one that takes no values from others costs nothing.
        values: what it is bound to, where only that is to be checked.
        asking: version and deadline.
        settings: where other saved queries are.
    """
    if not any(one.values_from for one in saved.parameters):
        return saved

    def rows(source: SavedQuery) -> Table:
        text = source.bind({}, settings.base_iri)
        alike = replace(asking, text=text, media_types=source.media_types, union=True)
        return read_table(ask(store, alike, settings).read())

    return permitting(saved, load_all(settings.queries), rows, settings.base_iri, values)


def admit(text: str, settings: Settings) -> None:
    """Refuse a query that would reach beyond the store.

    Args:
        text: the query, valid or not; what is not SPARQL is left to the engine to refuse.
        settings: says which services may be called.

    Raises:
        QueryRefused: names the line and column of ``SERVICE`` or ``LOAD``.
    """
    for reading in dict.fromkeys((text, _ESCAPE.sub(_character, text))):
        if not re.search("service|load", reading, re.IGNORECASE):
            continue  # no token can be one of them
        for token, target in _calls(reading):
            if target is None or target.text[1:-1] not in settings.service_allow:
                raise _refusal(reading, token, target, settings)


def _character(escape: re.Match[str]) -> str:
    return chr(int(escape[1] or escape[2], 16))


def _calls(text: str) -> Iterator[tuple[Token, Token | None]]:
    """Every call in any reading: its keyword, and whom it calls (None for LOAD)."""
    for token, before in _every_reading(text):
        if token.is_word("LOAD"):
            following = next(significant(text, token.end), None)
            if following and (following.kind in _TARGETS or following.is_word("SILENT")):
                yield token, None
        for end in _keyword_ends(token):
            names_a_graph = before is not None and before.is_word(*_BEFORE_A_GRAPH)
            target = _target(text, end)
            if target is not None and not (names_a_graph and token.kind == "pname"):
                yield token, target


def _every_reading(text: str) -> Iterator[tuple[Token, Token | None]]:
    """Each significant token in each way to read the text, with the one before it."""
    starts: list[int] = [0]
    seen: set[tuple[int, bool]] = set()
    line_ends = [found.start() for found in re.finditer("[\r\n]|$", text)]
    budget = _READINGS * len(text) + 1000
    while starts:
        at, before = starts.pop(), None
        while at < len(text):
            state = (at, before is not None and before.is_word(*_BEFORE_A_GRAPH))
            if state in seen:
                break
            seen.add(state)
            if text[at] == "#":  # jump: many readings may see a comment on the same long line
                at = line_ends[bisect_left(line_ends, at)]
                continue
            token = token_at(text, at)
            budget -= len(token.text)
            if budget < 0:
                raise QueryRefused("the query can be read in too many ways to be sure of any")
            at = token.end
            if token.kind == "space":
                continue
            if token.kind == "iri" and _AMBIGUOUS.search(token.text):
                starts.append(token.start + 1)
            yield token, before
            before = token


def _keyword_ends(token: Token) -> Iterator[int]:
    """Where SERVICE ends in a word, or at the start of a prefixed name."""
    if token.kind == "word":
        yield from (token.start + found.end() for found in _KEYWORD.finditer(token.text))
    elif token.kind == "pname":
        literal = re.match("true|false|", token.text, re.IGNORECASE)
        found = _KEYWORD.match(token.text, literal.end() if literal else 0)
        if found:
            yield token.start + found.end()


def _target(text: str, start: int) -> Token | None:
    """Whom SERVICE calls if what follows is its target and a group, else None."""
    first = next(significant(text, start), None)
    if first is None:
        return None
    if first.kind in ("word", "pname") and first.text[:6].upper() == "SILENT":
        silent = _called(text, first.start + 6)
        if silent is not None:
            return silent
    return _called(text, start)


def _called(text: str, start: int) -> Token | None:
    pair = list(islice(significant(text, start), 2))
    called = len(pair) == 2 and pair[0].kind in _TARGETS and pair[1].text == "{"
    return pair[0] if called else None


def _refusal(text: str, token: Token, target: Token | None, settings: Settings) -> QueryRefused:
    line, column = position(text, token.start)
    where = f"line {line}, column {column}"
    if target is None:
        return QueryRefused("LOAD would fetch something from elsewhere", where=where)
    if target.kind != "iri":
        return QueryRefused(
            "SERVICE would call a service that is not written out",
            where=where,
            fix="Write its IRI in full, in angle brackets.",
        )
    allowed = ", ".join(settings.service_allow) or "none"
    return QueryRefused(
        f"SERVICE may not call {target.text} from here",
        where=where,
        fix=f"Services that may be called: {allowed}. The setting service-allow names them.",
    )
