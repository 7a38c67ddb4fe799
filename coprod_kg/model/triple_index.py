"""In-memory index of triples by subject and predicate."""

from collections.abc import Iterable, Iterator
from typing import Any

import pyoxigraph as ox

__all__ = ["TripleIndex"]


class TripleIndex:
    """An index over a few thousand statements.

    Args:
        triples: the statements.
    """

    def __init__(self, triples: Iterable[ox.Triple]) -> None:
        self._by_subject: dict[Any, dict[str, list[Any]]] = {}
        for triple in triples:
            known = self._by_subject.setdefault(_key(triple.subject), {})
            known.setdefault(triple.predicate.value, []).append(triple.object)

    def subjects(self) -> Iterator[str]:
        """Every subject that has an IRI."""
        return (subject for subject in self._by_subject if isinstance(subject, str))

    def objects(self, subject: Any, predicate: str) -> list[Any]:
        """The terms that a subject has for a property."""
        return self._by_subject.get(_key(subject), {}).get(predicate, [])

    def value(self, subject: Any, predicate: str) -> str | None:
        """The text or IRI of the first such term, or None."""
        terms = self.objects(subject, predicate)
        return terms[0].value if terms and hasattr(terms[0], "value") else None

    def text(self, subject: Any, predicate: str, language: str = "en") -> str | None:
        """The text in a language, else in English, else any, or None."""
        texts = {term.language or "": term.value for term in self.objects(subject, predicate)}
        fallback = next(iter(texts.values()), None)
        return texts.get(language) or texts.get("en") or fallback

    def members(self, head: Any) -> Iterator[Any]:
        """The members of an RDF list."""
        rdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
        while self.objects(head, f"{rdf}first"):
            yield from self.objects(head, f"{rdf}first")
            rest = self.objects(head, f"{rdf}rest")
            head = rest[0] if rest else None


def _key(term: Any) -> Any:
    return term.value if isinstance(term, ox.NamedNode) else term
