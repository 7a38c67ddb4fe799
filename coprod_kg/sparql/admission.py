"""Admission of queries and updates: the check of SERVICE and LOAD against the settings.

Engines differ in where a token ends: Oxigraph reads ``SERVICE:a`` as the keyword and a name, and
takes ``<`` for "less than" wherever that fits, so that ``1<2)#>`` may be an IRI or the beginning
of a comment. Every such reading is looked at, and one that calls another service is enough to
refuse the text.

A call that is admitted does not leave by the engine, which waits for its answer for ever: an IRI
of ours takes the place of the endpoint, and the process that answers the query makes the call
(`coprod_kg.store.federation`). ``SILENT`` is kept in the same way: the IRI stands for no endpoint,
so that the engine itself gives the one empty solution of a call that failed.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, TypeAlias

from coprod_kg.errors import QueryRefused
from coprod_kg.settings import Settings
from coprod_kg.sparql.tokens import Token, position, significant, token_at
from coprod_kg.sparql.update_targets import certain

__all__ = ["Admitted", "admit"]

_CALLING: Final = re.compile("service|load", re.IGNORECASE)
_ESCAPE: Final = re.compile(r"\\u([0-9A-Fa-f]{4})|\\U(0010[0-9A-Fa-f]{4}|000[0-9A-Fa-f]{5})")
_AMBIGUOUS: Final = re.compile(r"[#']|service|load", re.IGNORECASE)
"""The parts of an IRI that would be read otherwise if its ``<`` were "less than"."""
_KEYWORD: Final = re.compile(r"service", re.IGNORECASE | re.ASCII)
_BEFORE_A_GRAPH: Final = ("GRAPH", "FROM", "NAMED", "DESCRIBE")
_TARGETS: Final = ("iri", "pname", "variable")
_READINGS: Final = 20
"""How many times over a text may be read before it counts as made to confuse."""
_NOTHING: Final = "DELETE DATA { }"
"""An operation that changes nothing."""

_Edit: TypeAlias = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Admitted:
    """A query or an update that may run.

    Attributes:
        text: the text for the engine.
        calls: for each IRI that stands for an endpoint: the IRI, the endpoint or None where it
            may not be called, and whether the call is SILENT.
    """

    text: str
    calls: tuple[tuple[str, str | None, bool], ...] = ()


def admit(text: str, settings: Settings, *, update: bool = False) -> Admitted:
    """Admit a text, or refuse it because it would reach beyond the store.

    Args:
        text: SPARQL; text that is not valid is left to the engine to refuse.
        settings: says which services may be called.
        update: whether it is an update, in which ``LOAD SILENT`` may stand.

    Raises:
        QueryRefused: names the line and column of ``SERVICE`` or ``LOAD``.
    """
    plain = _ESCAPE.sub(_character, text)
    if not _CALLING.search(plain):
        return Admitted(text)  # no token can be one of them
    edits, calls = _replaced(text, settings, update) if plain == text else ([], ())
    spelt = _edited(text, edits)
    may = {*settings.service_allow, *(iri for iri, _, _ in calls)}
    # Safe whatever was replaced: what is sent to the engine is what is looked at.
    for reading in dict.fromkeys((spelt, _ESCAPE.sub(_character, spelt))):
        for token, target in _calls(reading):
            if target is None or target.text[1:-1] not in may:
                raise _refusal(text, _before(token.start, edits), target, settings)
    return Admitted(spelt, calls)


def _replaced(
    text: str, settings: Settings, update: bool
) -> tuple[list[_Edit], tuple[tuple[str, str | None, bool], ...]]:
    """The edits for SERVICE and LOAD SILENT, and the calls; none where a token is ambiguous."""
    tokens = list(significant(text))
    if not certain(tokens):
        return [], ()
    name = "urn:x-coprod:endpoint:"
    while name in text:
        name += "x:"
    edits, calls = list[_Edit](), list[tuple[str, str | None, bool]]()
    for place, token in enumerate(tokens):
        silent = place + 1 < len(tokens) and tokens[place + 1].is_word("SILENT")
        after = tokens[place + 1 + silent : place + 7]
        if token.is_word("SERVICE") and len(after) > 1 and after[1].text == "{":
            target = after[0]
            endpoint = target.text[1:-1] if target.kind == "iri" else None
            allowed = endpoint in settings.service_allow
            if target.kind in _TARGETS and (allowed or silent):
                iri = f"{name}{len(calls)}"
                calls.append((iri, endpoint if allowed else None, silent))
                edits.append((target.start, target.end, f"<{iri}>"))
        elif update and silent and token.is_word("LOAD"):
            end = _end_of_load(after)
            if end is not None:
                edits.append((token.start, end, _NOTHING))
    return edits, tuple(calls)


def _end_of_load(after: Sequence[Token]) -> int | None:
    """Where a LOAD ends whose source and graph come next; None where it is not well formed."""
    length = 4 if len(after) > 1 and after[1].is_word("INTO") else 1
    names = [after[0], after[3]] if len(after) >= length > 1 else list(after[:1])
    fits = bool(names) and all(token.kind in ("iri", "pname") for token in names)
    fits = fits and (length == 1 or (len(names) == 2 and after[2].is_word("GRAPH")))
    ends = len(after) == length or after[length].text == ";" if len(after) >= length else False
    return names[-1].end if fits and ends else None


def _edited(text: str, edits: Sequence[_Edit]) -> str:
    pieces, at = [], 0
    for start, end, new in edits:
        pieces += [text[at:start], new]
        at = end
    return "".join([*pieces, text[at:]])


def _before(offset: int, edits: Sequence[_Edit]) -> int:
    """The offset in the text as it was sent, for an offset in the edited text."""
    for start, end, new in edits:
        if offset <= start:
            break
        offset += (end - start) - len(new)
    return offset


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
    line_ends = [end.start() for end in re.finditer("[\r\n]|$", text)]
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
        yield from (token.start + keyword.end() for keyword in _KEYWORD.finditer(token.text))
    elif token.kind == "pname":
        literal = re.match("true|false|", token.text, re.IGNORECASE)
        keyword = _KEYWORD.match(token.text, literal.end() if literal else 0)
        if keyword:
            yield token.start + keyword.end()


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


def _refusal(text: str, offset: int, target: Token | None, settings: Settings) -> QueryRefused:
    line, column = position(text, offset)
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
