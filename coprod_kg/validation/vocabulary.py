"""What needs no shape: whether the words used are words we know; it never reads a store.

Three checks that SHACL has no constraint for. Their shapes are named here all the same
(``cps:KnownTerm`` …), so that a report can point at them and the documentation can explain.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

import pyoxigraph as ox

from coprod_kg.validation.report import Finding, Severity

__all__ = ["KNOWN_REFERENCE", "Vocabulary"]

_CPS: Final = "https://w3id.org/coprod/shapes#"
_RDF_TYPE: Final = ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
KNOWN_REFERENCE: Final = f"{_CPS}KnownReference"
"""The shape of a reference to a thing that the file does not describe."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words of the ontology.

    Attributes:
        namespace: where its terms live.
        terms: IRIs of its classes and properties.
        base_iri: where data lives.
    """

    namespace: str
    terms: frozenset[str]
    base_iri: str

    def check(self, triples: Sequence[ox.Triple]) -> tuple[Finding, ...]:
        """What is unknown in these statements."""
        return (
            *self._unknown_terms(triples),
            *self._foreign_subjects(triples),
            *self._unknown_references(triples),
        )

    def _unknown_terms(self, triples: Iterable[ox.Triple]) -> Iterable[Finding]:
        for subject, predicate, obj in triples:
            used = [predicate]
            if predicate == _RDF_TYPE and isinstance(obj, ox.NamedNode):
                used.append(obj)
            for one in used:
                if one.value.startswith(self.namespace) and one.value not in self.terms:
                    yield self._finding("KnownTerm", (subject, predicate), one, self._hint(one))

    def _hint(self, term: ox.NamedNode) -> str:
        name = term.value.removeprefix(self.namespace)
        known = sorted(one.removeprefix(self.namespace) for one in self.terms)
        near = get_close_matches(name, known, n=1, cutoff=0.6)
        hint = f"Did you mean cp:{near[0]}?" if near else "Use a term of the ontology."
        return f"The ontology has no term of this name. {hint}"

    def _foreign_subjects(self, triples: Iterable[ox.Triple]) -> Iterable[Finding]:
        ours = (f"{self.base_iri}id/", f"{self.base_iri}.well-known/genid/")
        for subject in dict.fromkeys(one.subject for one in triples):
            if isinstance(subject, ox.NamedNode) and not subject.value.startswith(ours):
                yield self._finding(
                    "OwnSubject",
                    (subject, None),
                    None,
                    "A submission says things only about what is named under the base. "
                    "Name it for example <id/initiative/my-initiative>.",
                )

    def _unknown_references(self, triples: Sequence[ox.Triple]) -> Iterable[Finding]:
        described = {one.subject for one in triples}
        for subject, predicate, obj in triples:
            if not isinstance(obj, ox.NamedNode) or obj in described:
                continue
            if obj.value.startswith(f"{self.base_iri}id/"):
                yield self._finding(
                    "KnownReference",
                    (subject, predicate),
                    obj,
                    "Nothing is known of what is referred to here. Describe it in this file, "
                    "mend its name, or send the file that describes it first.",
                )

    def _finding(
        self,
        shape: str,
        place: tuple[ox.NamedNode | ox.BlankNode | ox.Triple, ox.NamedNode | None],
        value: ox.NamedNode | None,
        message: str,
    ) -> Finding:
        focus, path = place
        return Finding(
            severity=Severity.VIOLATION,
            focus=str(focus).strip("<>"),
            path=path.value if path else None,
            value=str(value) if value else None,
            message=message,
            shape=_CPS + shape,
            component=f"{_CPS}{shape}ConstraintComponent",
        )
