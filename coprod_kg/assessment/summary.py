"""The verdicts on what some organisations have just sent, a line for each claimed stage."""

from collections.abc import Iterable, Iterator
from typing import Final

from coprod_kg.assessment.queries import labels_in, rows, text
from coprod_kg.assessment.sentences import Sentences
from coprod_kg.store.base import Store

__all__ = ["verdict_lines"]

_MOST: Final = 20


def verdict_lines(
    store: Store, base_iri: str, organisations: Iterable[str], language: str = "en"
) -> Iterator[str]:
    """The stages supported against those claimed, for the first subjects of these graphs.

    Args:
        store: where data and conclusions are.
        base_iri: the start of the IRIs of graphs.
        organisations: the last parts of the organisations' IRIs.
        language: of the reader.
    """
    words = Sentences(language)
    graphs = [f"{base_iri}graph/organisation/{name}" for name in organisations]
    answer = list(rows(store, "verdicts", graph=graphs))
    labels = labels_in(language, answer, "subject", "subjectLabel")
    supported_by_claim: dict[tuple[str, str], list[str]] = {}
    for row in answer:
        supported = supported_by_claim.setdefault((row["subject"].value, row["claimed"].value), [])
        if stage := text(row, "supported"):
            supported.append(stage)
    for (subject, claimed), supported in list(supported_by_claim.items())[:_MOST]:
        key = "submitted-otherwise" if supported else "submitted-undecided"
        yield words.say(
            "submitted-bears-out" if claimed in supported else key,
            name=labels[subject],
            stage=_stage(words, claimed),
            supported=words.listed(_stage(words, stage) for stage in dict.fromkeys(supported)),
            id=subject.removeprefix(f"{base_iri}id/"),
        )
    if len(supported_by_claim) > _MOST:
        yield words.say("submitted-more", len(supported_by_claim) - _MOST)
    if supported_by_claim:
        yield words.say("submitted-why")


def _stage(words: Sentences, iri: str) -> str:
    return words.inside(words.concept(iri) or iri)
