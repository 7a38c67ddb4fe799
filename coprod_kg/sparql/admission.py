"""Admission of queries and updates: the check of SERVICE and LOAD against the settings.

Engines differ in where a token ends: Oxigraph reads ``SERVICE:a`` as the keyword and a name, and
takes ``<`` for "less than" wherever that fits, so that ``1<2)#>`` may be an IRI or the beginning
of a comment. Every such reading is checked, and one that calls another service is enough to
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
from typing import Final

from coprod_kg.errors import QueryRefused
from coprod_kg.settings import Settings
from coprod_kg.sparql.tokens import Edit, Token, edited, position, significant, token_at
from coprod_kg.sparql.update_targets import is_unambiguous

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
    unescaped = _ESCAPE.sub(_character, text)
    if not _CALLING.search(unescaped):
        return Admitted(text)  # no token can be one of them
    edits, calls = _call_edits(text, settings, update) if unescaped == text else ([], ())
    edited_text = edited(text, edits)
    allowed = {*settings.service_allow, *(iri for iri, _, _ in calls)}
    # The check reads the text that is sent to the engine, so a faulty edit cannot let a call pass.
    for reading in dict.fromkeys((edited_text, _ESCAPE.sub(_character, edited_text))):
        for token, target in _calls(reading):
            if target is None or target.text[1:-1] not in allowed:
                raise _refusal(text, _offset_sent(token.start, edits), target, settings)
    return Admitted(edited_text, calls)


def _call_edits(
    text: str, settings: Settings, update: bool
) -> tuple[list[Edit], tuple[tuple[str, str | None, bool], ...]]:
    """The edits for SERVICE and LOAD SILENT, and the calls; none where a token is ambiguous."""
    tokens = list(significant(text))
    if not is_unambiguous(tokens):
        return [], ()
    name = "urn:x-coprod:endpoint:"
    while name in text:
        name += "x:"
    edits, calls = list[Edit](), list[tuple[str, str | None, bool]]()
    for index, token in enumerate(tokens):
        silent = index + 1 < len(tokens) and tokens[index + 1].is_word("SILENT")
        following = tokens[index + 1 + silent : index + 7]
        if token.is_word("SERVICE") and len(following) > 1 and following[1].text == "{":
            target = following[0]
            endpoint = target.text[1:-1] if target.kind == "iri" else None
            allowed = endpoint in settings.service_allow
            if target.kind in _TARGETS and (allowed or silent):
                iri = f"{name}{len(calls)}"
                calls.append((iri, endpoint if allowed else None, silent))
                edits.append((target.start, target.end, f"<{iri}>"))
        elif update and silent and token.is_word("LOAD"):
            end = _end_of_load(following)
            if end is not None:
                edits.append((token.start, end, _NOTHING))
    return edits, tuple(calls)


def _end_of_load(following: Sequence[Token]) -> int | None:
    """Where a LOAD ends whose source and graph come next; None where it is not well formed."""
    length = 4 if len(following) > 1 and following[1].is_word("INTO") else 1
    if len(following) < length or (len(following) > length and following[length].text != ";"):
        return None
    names = [following[0], following[3]] if length > 1 else [following[0]]
    if length > 1 and not following[2].is_word("GRAPH"):
        return None
    return names[-1].end if all(token.kind in ("iri", "pname") for token in names) else None


def _offset_sent(offset: int, edits: Sequence[Edit]) -> int:
    """The offset in the text as it was sent, for an offset in the edited text."""
    for start, end, new in edits:
        if offset <= start:
            break
        offset += (end - start) - len(new)
    return offset


def _character(escape: re.Match[str]) -> str:
    return chr(int(escape[1] or escape[2], 16))


def _calls(text: str) -> Iterator[tuple[Token, Token | None]]:
    """Every call in any reading: its keyword, and the token of its target (None for LOAD)."""
    for token, previous in _every_reading(text):
        if token.is_word("LOAD"):
            following = next(significant(text, token.end), None)
            if following and (following.kind in _TARGETS or following.is_word("SILENT")):
                yield token, None
        for end in _keyword_ends(token):
            names_a_graph = previous is not None and previous.is_word(*_BEFORE_A_GRAPH)
            target = _target(text, end)
            if target is not None and not (names_a_graph and token.kind == "pname"):
                yield token, target


def _every_reading(text: str) -> Iterator[tuple[Token, Token | None]]:
    """Each significant token in each way to read the text, with the one before it."""
    starts: list[int] = [0]
    seen_states: set[tuple[int, bool]] = set()
    line_ends = [end.start() for end in re.finditer("[\r\n]|$", text)]
    budget = _READINGS * len(text) + 1000
    while starts:
        offset, previous = starts.pop(), None
        while offset < len(text):
            state = (offset, previous is not None and previous.is_word(*_BEFORE_A_GRAPH))
            if state in seen_states:
                break
            seen_states.add(state)
            if text[offset] == "#":  # jump: many readings may see a comment on the same long line
                offset = line_ends[bisect_left(line_ends, offset)]
                continue
            token = token_at(text, offset)
            budget -= len(token.text)
            if budget < 0:
                raise QueryRefused("the query can be read in too many ways to be sure of any")
            offset = token.end
            if token.kind == "space":
                continue
            if token.kind == "iri" and _AMBIGUOUS.search(token.text):
                starts.append(token.start + 1)
            yield token, previous
            previous = token


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
    """The target of a SERVICE if a target and a group follow it, else None."""
    first_token = next(significant(text, start), None)
    if first_token is None:
        return None
    if first_token.kind in ("word", "pname") and first_token.text[:6].upper() == "SILENT":
        silent = _target_of_group(text, first_token.start + 6)
        if silent is not None:
            return silent
    return _target_of_group(text, start)


def _target_of_group(text: str, start: int) -> Token | None:
    pair = list(islice(significant(text, start), 2))
    is_call = len(pair) == 2 and pair[0].kind in _TARGETS and pair[1].text == "{"
    return pair[0] if is_call else None


def _refusal(text: str, offset: int, target: Token | None, settings: Settings) -> QueryRefused:
    line, column = position(text, offset)
    place = f"line {line}, column {column}"
    if target is None:
        return QueryRefused("LOAD would fetch something from elsewhere", where=place)
    if target.kind != "iri":
        return QueryRefused(
            "SERVICE would call a service that is not written out",
            where=place,
            fix="Write its IRI in full, in angle brackets.",
        )
    allowed = ", ".join(settings.service_allow) or "none"
    return QueryRefused(
        f"SERVICE may not call {target.text} from here",
        where=place,
        fix=f"Services that may be called: {allowed}. The setting service-allow names them.",
    )
