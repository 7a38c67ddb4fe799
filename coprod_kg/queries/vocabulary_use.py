"""Lint rules for names in a query: terms the model lacks, names in HAVING bound only later."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Final

from coprod_kg.model.namespaces import prefixes, shorten, terms
from coprod_kg.model.schemes import schemes
from coprod_kg.queries.header import Mistake
from coprod_kg.sparql.tokens import Token, position, significant

__all__ = ["having_hints", "unknown_terms"]

_AGGREGATES: Final = ("COUNT", "SUM", "MIN", "MAX", "AVG", "SAMPLE", "GROUP_CONCAT")
_AFTER_PATTERN: Final = ("GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "VALUES")


def unknown_terms(text: str) -> Iterator[Mistake]:
    """Every term of the ontology's or a scheme's namespace that is not defined there, once.

    Args:
        text: a query, valid or not.
    """
    declared, reported = dict[str, str](), set[str]()
    before, two_before = Token("space", "", 0), Token("space", "", 0)
    for token in significant(text):
        if token.kind == "iri" and two_before.is_word("PREFIX"):
            declared[before.text] = token.text[1:-1]
        elif token.kind in ("iri", "pname") and not before.is_word("PREFIX", "BASE"):
            iri = _iri(token, declared)
            unknown = _unknown(iri)
            if unknown is not None and iri not in reported:
                reported.add(iri)
                yield position(text, token.start)[0], unknown
        before, two_before = token, before


def having_hints(text: str) -> Iterator[Mistake]:
    """Every name in a HAVING that SELECT gives only afterwards, so that it is not bound there.

    Args:
        text: a query, valid or not.
    """
    tokens = list(significant(text))
    for place, token in enumerate(tokens):
        if token.is_word("SELECT"):
            yield from _unseen(text, tokens[place + 1 :])


def _iri(token: Token, declared: Mapping[str, str]) -> str:
    if token.kind == "iri":
        return token.text[1:-1]
    prefix, _, local = token.text.partition(":")
    return declared.get(f"{prefix}:", "") + local.replace("\\", "")


def _unknown(iri: str) -> str | None:
    for space, known in _known().items():
        name = iri.removeprefix(space)
        if name == iri or not name or name in known:
            continue
        near = get_close_matches(name, known, 1, 0.6)
        what = (
            "the ontology defines no term" if space == prefixes()["cp"] else "there is no concept"
        )
        meant = f"; did you mean {shorten(space + near[0])}?" if near else ""
        return f"{what} {shorten(iri)[:80]}{meant}"
    return None


@cache
def _known() -> Mapping[str, frozenset[str]]:
    """Namespace of the model → the names in it."""
    ontology = prefixes()["cp"]
    found = {ontology: frozenset(iri.removeprefix(ontology) for iri in terms())}
    ours = prefixes()["cp"].removesuffix("ontology#")
    for scheme in schemes().values():
        space = f"{scheme.iri}/"
        if not space.startswith(ours):
            continue  # a list of others, of which the model has a part
        iris = (concept.iri for concept in scheme.concepts.values())
        found[space] = frozenset(iri.removeprefix(space) for iri in iris)
    return found


def _unseen(text: str, tokens: list[Token]) -> Iterator[Mistake]:
    """The hints of one SELECT, whose first token comes first."""
    given, grouped, around = set[str](), set[str](), list[str]()
    part, depth, before = "SELECT", 0, Token("space", "", 0)
    for token in tokens:
        depth += (token.text == "{") - (token.text == "}")
        if depth < 0:
            return
        if depth == 0:
            if token.is_word(*_AFTER_PATTERN):
                part = token.text.upper()
            elif token.text == "(":
                around.append(before.text.upper())
            elif token.text == ")" and around:
                around.pop()
            elif token.kind == "variable":
                name = token.text[1:]
                if part == "SELECT" and before.is_word("AS"):
                    given.add(name)
                elif part == "GROUP":
                    grouped.add(name)
                elif (
                    part == "HAVING"
                    and name in given - grouped
                    and not set(_AGGREGATES) & {*around}
                ):
                    yield (
                        position(text, token.start)[0],
                        f"HAVING does not see {token.text}, which SELECT names after it, so no row "
                        "comes; write what it stands for, such as COUNT(*), in its place",
                    )
        before = token
