"""Check of the terms and references in a file against the vocabulary, with suggestions.

The checks are code, not shapes. Each names a shape all the same (``cps:KnownTerm`` …), which the
report points to and the documentation explains.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Final

import pyoxigraph as ox

from coprod_kg.model.advice import ShapeWords
from coprod_kg.model.namespaces import prefixes, shorten
from coprod_kg.model.terms import CONTROL
from coprod_kg.validation.report import Finding, Severity

__all__ = ["KNOWN_REFERENCE", "KnownTerms"]

_CPS: Final = "https://w3id.org/coprod/shapes#"
_RDF_TYPE: Final = ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
_NAMES: Final = frozenset(
    f"http://www.w3.org/2004/02/skos/core#{name}" for name in ("prefLabel", "altLabel", "notation")
)
KNOWN_REFERENCE: Final = f"{_CPS}KnownReference"
"""The shape of a reference to a thing that the file does not describe."""
_Problem = tuple[str, str, str | None]
_NO_PROBLEM: Final = (Severity.WARNING, "", "")
_NEAR_SPACE: Final = 0.93
"""One letter of a namespace wrong, missing, or in the other order."""
_NEAR_NAME: Final = 0.6
_NEAR_FOREIGN: Final = 0.8


class KnownTerms:
    """The words of the ontology and its schemes.

    Args:
        namespace: where its terms live.
        terms: IRIs of its classes and properties.
        base_iri: where data lives.
        background: the statements of the ontology and its schemes.
        foreign: terms of other vocabularies that are used here.
        words: shape → its texts, whose examples show which concepts may be meant.
    """

    def __init__(
        self,
        namespace: str,
        terms: frozenset[str],
        base_iri: str,
        background: Iterable[ox.Triple] = (),
        foreign: Iterable[str] = (),
        words: Mapping[str, ShapeWords] = MappingProxyType({}),
    ) -> None:
        self._words = words
        self._namespace, self._terms, self._base_iri = namespace, terms, base_iri
        self._spaces = {_comparable(space): space for space in prefixes().values()}
        self._concepts: dict[str, dict[str, str]] = {}
        for subject, predicate, obj in background:
            if predicate.value in _NAMES and isinstance(subject, ox.NamedNode):
                space, name = _split(subject.value)
                concepts = self._concepts.setdefault(space, {})
                concepts[name] = concepts[_text(obj).casefold()] = subject.value
        self._foreign: dict[str, list[str]] = {}
        for term in sorted(foreign):
            space, name = _split(term)
            if space in prefixes().values():
                self._foreign.setdefault(space, []).append(name)
        self._spaces_meant: dict[str, str | None] = {}

    def check(self, triples: Sequence[ox.Triple]) -> tuple[Finding, ...]:
        """A finding for each unknown term, subject and reference in these statements."""
        return (
            *self._unknown_terms(triples),
            *self._foreign_subjects(triples),
            *self._unknown_references(triples),
            *self._control_characters(triples),
        )

    def advised(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """Findings of shapes with the concept that was likely meant, where one is much like it."""
        return tuple(map(self._advised, findings))

    def _advised(self, finding: Finding) -> Finding:
        words = self._words.get(finding.shape)
        if words is None or not words.examples or not finding.value:
            return finding
        if finding.path != words.examples[0].path:
            return finding  # a shape about an initiative may advise on its roles: its value is none
        concepts = self._concepts.get(_split(words.examples[0].value.value)[0], {})
        if finding.value.startswith("<"):
            value = finding.value[1:-1]
            name = _split(self._iri_meant(value) or value)[1]
        else:
            name = _literal(finding.value).casefold()
        near = [name] if name in concepts else get_close_matches(name, concepts, 1, _NEAR_NAME)
        if not near or finding.value == f"<{concepts[near[0]]}>":
            return finding
        return replace(finding, slots=(("meant", shorten(concepts[near[0]])),))

    def _unknown_terms(self, triples: Iterable[ox.Triple]) -> Iterator[Finding]:
        problems: dict[Any, tuple[Severity, str, str]] = {}
        for subject, predicate, obj in triples:
            terms = (predicate, obj) if predicate == _RDF_TYPE else (predicate,)
            for term in terms:
                if term not in problems:
                    is_named = isinstance(term, ox.NamedNode)
                    problems[term] = self._term_problem(term.value) if is_named else _NO_PROBLEM
                severity, message, fix = problems[term]
                if message:
                    place = (subject, predicate)
                    yield self._finding("KnownTerm", place, term, message, fix, severity)

    def _term_problem(self, term: str) -> tuple[Severity, str, str]:
        """Severity, message and advice on an unknown term; two empty texts where it is known."""
        if term in self._terms:
            return _NO_PROBLEM
        if term.startswith(self._namespace):
            message = "The ontology has no term of this name."
            return Severity.VIOLATION, message, self._hint(term)
        space, name = _split(term)
        if space in self._foreign and name not in self._foreign[space]:
            near = get_close_matches(name, self._foreign[space], 1, _NEAR_FOREIGN)
            if near:
                fix = f"Did you mean {shorten(space + near[0])}?"
                return Severity.WARNING, "No question here looks at this.", fix
            return _NO_PROBLEM
        meant = self._iri_meant(term)
        if meant is None:
            return _NO_PROBLEM
        known_space = next(
            (space for space in self._spaces.values() if meant.startswith(space)), meant
        )
        unknown_space = term.removesuffix(meant.removeprefix(known_space))
        is_own = known_space.startswith(self._namespace.rpartition("/")[0])
        return (
            Severity.VIOLATION if is_own else Severity.WARNING,
            f"Nothing is known in the namespace <{unknown_space}> here, so what is said with it is "
            "in no answer.",
            f"Did you mean <{known_space}>?",
        )

    def _iri_meant(self, iri: str) -> str | None:
        """The IRI that was likely meant by one whose namespace is nearly a known one, or None."""
        space, name = _split(iri)
        if space not in self._spaces_meant:
            self._spaces_meant[space] = self._space_meant(space)
        known_space = self._spaces_meant[space]
        if known_space is not None:
            return known_space + name if known_space != space else None
        bare = _comparable(iri)
        for start, known_iri in self._spaces.items():  # the # behind the namespace is missing
            if known_iri.endswith("#") and bare.startswith(start) and len(bare) > len(start):
                return known_iri + iri[-(len(bare) - len(start)) :].lstrip("#/")
        prefix, _, local = iri.partition(":")
        return prefixes()[prefix] + local if prefix in prefixes() else None

    def _space_meant(self, space: str) -> str | None:
        """The known namespace that is meant, the same one where it is known."""
        if space in prefixes().values():
            return space
        bare = _comparable(space)
        near = (
            [bare]
            if bare in self._spaces
            else get_close_matches(bare, self._spaces, 1, _NEAR_SPACE)
        )
        return self._spaces[near[0]] if near else None

    def _hint(self, term: str) -> str:
        name = term.removeprefix(self._namespace)
        # Suggest a class for a class, a property for a property: only classes begin with a capital.
        is_class = name[:1].isupper()
        own_terms = {term.removeprefix(self._namespace): term for term in sorted(self._terms)}
        own_terms = {
            local: term for local, term in own_terms.items() if local[:1].isupper() == is_class
        }
        candidates = own_terms.copy()
        for space, names in self._foreign.items():
            for local in names:
                if local[:1].isupper() == is_class:
                    candidates.setdefault(local, space + local)
        near = get_close_matches(name, candidates, 1, _NEAR_FOREIGN)
        near = near or get_close_matches(name, own_terms, 1, _NEAR_NAME)
        meant = shorten(candidates[near[0]]) if near else ""
        return f"Did you mean {meant}?" if meant else "Use a term of the ontology."

    def _foreign_subjects(self, triples: Iterable[ox.Triple]) -> Iterator[Finding]:
        own_stems = (f"{self._base_iri}id/", f"{self._base_iri}.well-known/genid/")
        for subject in dict.fromkeys(triple.subject for triple in triples):
            if isinstance(subject, ox.NamedNode) and not subject.value.startswith(own_stems):
                meant = self._own_name_meant(subject.value)
                advice = (
                    f"Did you mean <{meant}>?"
                    if meant
                    else "Name it for example <id/initiative/my-initiative>."
                )
                yield self._finding(
                    "OwnSubject",
                    (subject, None),
                    None,
                    "A submission says things only about what is named under the base, "
                    f"<{self._base_iri}id/>.",
                    advice,
                )

    def _own_name_meant(self, iri: str) -> str | None:
        """The name under the base that was likely meant, as it is written relative to it."""
        start, bare = _comparable(f"{self._base_iri}id/"), _comparable(iri)
        return f"id{iri[-(len(bare) - len(start)) :]}" if bare.startswith(f"{start}/") else None

    def _unknown_references(self, triples: Sequence[ox.Triple]) -> Iterator[Finding]:
        # Of each thing that is referred to: None, or the shape, the message and the advice.
        problems: dict[Any, _Problem | None] = {triple.subject: None for triple in triples}
        for subject, predicate, obj in triples:
            if not isinstance(obj, ox.NamedNode) or predicate == _RDF_TYPE:
                continue
            if obj not in problems:
                problems[obj] = self._reference_problem(obj.value)
            if problem := problems[obj]:
                shape, message, fix = problem
                yield self._finding(shape, (subject, predicate), obj, message, fix)

    def _reference_problem(self, iri: str) -> _Problem | None:
        """Shape, message and advice of a reference that the file does not describe, if at fault."""
        if iri.startswith(f"{self._base_iri}id/"):
            return "KnownReference", "", None
        meant = self._own_name_meant(iri)
        if meant is None:
            return None
        return "OwnReference", "This names nothing here.", f"Did you mean <{meant}>?"

    def _control_characters(self, triples: Iterable[ox.Triple]) -> Iterator[Finding]:
        for subject, predicate, obj in triples:
            control = isinstance(obj, ox.Literal) and CONTROL.search(obj.value)
            if control:
                yield self._finding(
                    "PlainText",
                    (subject, predicate),
                    obj,
                    f"The text holds a sign that nobody sees (U+{ord(control[0]):04X}), and that "
                    "XML cannot hold.",
                    "Write the text anew without it.",
                )

    def _finding(
        self,
        shape: str,
        place: tuple[ox.NamedNode | ox.BlankNode | ox.Triple, ox.NamedNode | None],
        value: ox.NamedNode | ox.Literal | None,
        message: str,
        fix: str | None = None,
        severity: Severity = Severity.VIOLATION,
    ) -> Finding:
        focus, path = place
        return Finding(
            severity=severity,
            focus=str(focus).strip("<>"),
            path=path.value if path else None,
            value=str(value) if value else None,
            message=message,
            shape=_CPS + shape,
            component=f"{_CPS}{shape}ConstraintComponent",
            fix=fix,
        )


def _split(iri: str) -> tuple[str, str]:
    """An IRI parted behind its last ``#`` or ``/``."""
    cut = max(iri.rfind("#"), iri.rfind("/")) + 1
    return iri[:cut], iri[cut:]


def _comparable(iri: str) -> str:
    """An IRI without scheme, www, capitals and last sign, in which people often err."""
    return re.sub(r"^https?://(www\.)?", "", iri.lower()).rstrip("#/")


def _text(term: Any) -> str:
    return str(getattr(term, "value", ""))


def _literal(value: str) -> str:
    """The text of a literal as it is written in Turtle."""
    match = re.match(r'"((?:[^"\\]|\\.)*)"', value, re.DOTALL)
    return match[1] if match else value
