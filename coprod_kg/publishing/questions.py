"""Index of the saved queries by the terms that they use."""

from collections.abc import Iterator, Mapping

from coprod_kg.queries.library import SavedQuery
from coprod_kg.sparql.tokens import tokens

__all__ = ["questions_by_term"]


def questions_by_term(queries: Mapping[str, SavedQuery]) -> dict[str, list[SavedQuery]]:
    """IRI → the questions whose text names it, in the order of the questions."""
    found: dict[str, list[SavedQuery]] = {}
    for query in queries.values():
        for iri in dict.fromkeys(_names(query.text)):
            found.setdefault(iri, []).append(query)
    return found


def _names(text: str) -> Iterator[str]:
    """Every IRI that a query names, the prefixes taken from the query itself."""
    spaces: dict[str, str] = {}
    declared = ""
    for token in tokens(text):
        if token.kind == "pname" and token.text.endswith(":"):
            declared = token.text
        elif token.kind == "iri":
            if declared:
                spaces[declared] = token.text[1:-1]
            else:
                yield token.text[1:-1]
            declared = ""
        elif token.kind == "pname":
            prefix, _, local = token.text.partition(":")
            yield spaces.get(f"{prefix}:", f"{prefix}:") + local
