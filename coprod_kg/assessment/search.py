"""Search for the subject that a person names: by IRI, kind and slug, or slug."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from coprod_kg.assessment.queries import labels_in, rows
from coprod_kg.errors import NotFound, WrongUsage
from coprod_kg.model.namespaces import prefixes
from coprod_kg.model.terms import parse_iri
from coprod_kg.store.base import Store

__all__ = ["Subject", "find", "subjects"]

_KINDS = ("initiative", "organisation")


@dataclass(frozen=True, slots=True)
class Subject:
    """An initiative or organisation that can be assessed.

    Attributes:
        iri: its name.
        label: its name.
        organisation: the last part of the IRI of the organisation whose graph describes it.
        run_by: the names of the organisations that run it.
    """

    iri: str
    label: str
    organisation: str
    run_by: tuple[str, ...]


def find(names: Iterable[str], store: Store, base_iri: str, language: str = "en") -> list[Subject]:
    """The subjects that a person named by IRI, ``initiative/slug`` or slug alone.

    A slug that both an initiative and an organisation have, means both.

    Args:
        names: the names.
        store: where the subjects are.
        base_iri: the start of their IRIs.
        language: of the reader, for their labels.

    Raises:
        NotFound: one is not there, or cannot be assessed; says what was perhaps meant.
        WrongUsage: one is no IRI.
    """
    by_iri: dict[str, Subject] = {}
    for name in names:
        candidates = _candidates(name, base_iri)
        matches = subjects(store, candidates, language)
        if not matches:
            raise _unknown(name, store, base_iri)
        by_iri |= matches
    return list(by_iri.values())


def _candidates(reference: str, base_iri: str) -> list[str]:
    stem = f"{base_iri}id/"
    if ":" in reference or reference.startswith("<"):
        return [parse_iri(reference, base_iri=base_iri, prefixes=prefixes()).value]
    name = reference.removeprefix("id/")
    names = [name] if "/" in name else [f"{kind}/{name}" for kind in _KINDS]
    try:
        return [parse_iri(f"{stem}{slug}", base_iri=base_iri).value for slug in names]
    except WrongUsage:
        raise WrongUsage(
            f"{reference!r} names no initiative or organisation",
            fix="Write the last part of its IRI, for example ryhov-self-care.",
        ) from None


def subjects(store: Store, iris: Iterable[str], language: str = "en") -> dict[str, Subject]:
    """IRI → subject, of those IRIs whose things can be assessed, in the reader's language."""
    subject_rows = list(rows(store, "subjects", subject=iris))
    labels = labels_in(language, subject_rows, "subject", "label")
    organisations: dict[str, str] = {}
    runners: dict[str, dict[str, None]] = {}
    names = labels_in(language, subject_rows, "runner", "runnerLabel")
    for row in subject_rows:
        iri = row["subject"].value
        organisations.setdefault(iri, row["graph"].value.rpartition("/")[2])
        if "runner" in row:
            runners.setdefault(iri, {})[names[row["runner"].value]] = None
    return {
        iri: Subject(iri, labels[iri], organisation, tuple(runners.get(iri, ())))
        for iri, organisation in organisations.items()
    }


def _unknown(reference: str, store: Store, base_iri: str) -> NotFound:
    stem = f"{base_iri}id/"
    references = {row["subject"].value.removeprefix(stem) for row in rows(store, "subjects")}
    by_slug = {iri.rpartition("/")[2]: iri for iri in sorted(references, reverse=True)}
    slug = reference.rpartition("/")[2].rpartition("#")[2].strip("<>")
    near = get_close_matches(slug, by_slug, n=3, cutoff=0.5)
    near += [name for name in sorted(by_slug) if slug and slug in name and name not in near][:3]
    meant = " or ".join(dict.fromkeys(near)) if near else ""
    return NotFound(
        f"nothing that can be assessed is called {reference!r}",
        fix=f"Did you mean {meant}?"
        if meant
        else "coprod-kg query initiatives-by-stage lists them.",
    )
