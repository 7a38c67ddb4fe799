"""Query batch of the Reconciliation API: what is looked for, and the candidates for each."""

from collections.abc import Mapping
from typing import Any, Final

from coprod_kg.errors import TooLarge, WrongUsage
from coprod_kg.model.namespaces import expand
from coprod_kg.web.candidates import KINDS, Candidate, Wanted, entities, found
from coprod_kg.web.explorer.page import Page

__all__ = ["BATCH", "results"]

_MOST_LIMIT: Final = 10**9

BATCH: Final = 50
"""Queries in one batch; OpenRefine sends ten."""


def results(page: Page, batch: Mapping[str, Any]) -> dict[str, Any]:
    """The candidates for each query of a batch.

    Args:
        page: the request.
        batch: key → query.

    Raises:
        WrongUsage: a query is not as the specification has it.
        TooLarge: there are too many.
    """
    if len(batch) > BATCH:
        raise TooLarge(
            f"a batch has {BATCH} queries at most, not {len(batch)}",
            where="parameter queries",
            fix="Send them in several batches; batchSize in the manifest is the limit.",
        )
    wanted = {key: _wanted(key, query) for key, query in batch.items()}
    return {key: {"result": _result(page, query)} for key, query in wanted.items()}


def _result(page: Page, wanted: Wanted) -> list[dict[str, Any]]:
    if not wanted.text and not any(wanted.properties.values()):
        return []  # OpenRefine sends the empty cells of a column with the others
    fitting = found(page, wanted)
    shown = {entity.iri: entity for entity in entities(page, [fit.iri for fit in fitting])}
    return [
        Candidate(shown[fit.iri], fit).described(page.language)
        for fit in fitting
        if fit.iri in shown
    ]


def _wanted(key: str, query: object) -> Wanted:
    """One query of a batch.

    Raises:
        WrongUsage: it is not as the specification has it.
    """

    def wrong(what: str, fix: str) -> WrongUsage:
        return WrongUsage(f"the query {key[:40]!r} {what}", where="parameter queries", fix=fix)

    if not isinstance(query, dict):
        raise wrong("is no object", 'Write for example {"q0": {"query": "Denmark"}}.')
    text, types = query.get("query", ""), query.get("type", [])
    types = [types] if isinstance(types, str) else types
    limit, properties = query.get("limit", 10), query.get("properties", [])
    if not isinstance(text, str) or not isinstance(types, list):
        raise wrong(
            "has a query or a type that is no text",
            "query is a text, type a text or a list of texts.",
        )
    if not _is_count(limit):
        raise wrong("has a limit that is no positive whole number", "Write for example 10.")
    if not isinstance(properties, list):
        raise wrong("has properties that are no list", 'Write [{"pid": "IRI", "v": "value"}].')
    values: dict[str, list[str]] = {}
    for setting in properties:
        if not isinstance(setting, dict) or not isinstance(setting.get("pid"), str):
            raise wrong("has a property without pid", 'Write [{"pid": "IRI", "v": "value"}].')
        several = setting.get("v")
        several = several if isinstance(several, list) else [several]
        values.setdefault(setting["pid"], []).extend(text for text in map(_text, several) if text)
    kinds = (
        [kind for kind, name in KINDS.items() if expand(name) in types] if types else list(KINDS)
    )
    return Wanted(text.strip()[:200], kinds, values, min(int(limit), 100))


def _is_count(limit: object) -> bool:
    """Whether a limit is a positive integer, as the specification asks; 10.0 is one in JSON."""
    if isinstance(limit, bool) or not isinstance(limit, int | float):
        return False
    return 1 <= limit <= _MOST_LIMIT and limit == int(limit)


def _text(value: object) -> str:
    """A value of a property as a text: of an entity its identifier."""
    if isinstance(value, dict):
        value = value.get("id")
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip() if isinstance(value, str | int | float) else ""
