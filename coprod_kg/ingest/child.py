"""Child process of the sandbox: reads, validates and reasons over one file after another.

It opens no file or connection for what it reads. Where its timer, its memory cap or a fault in a
parser kills it, the parent explains why. Run by `coprod_kg.ingest.sandbox`.
"""

import gc
import json
import math
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import cache, reduce
from typing import IO, Any, Final

import pyoxigraph as ox

from coprod_kg.errors import TooLarge, Unreadable, UnsupportedMedia
from coprod_kg.ingest import rdf
from coprod_kg.ingest.locate import headers_of, in_table, in_text
from coprod_kg.ingest.outcome import Checked, Limits, SubmittedFile
from coprod_kg.ingest.partition import parts_of
from coprod_kg.ingest.rdf_formats import format_of
from coprod_kg.model import namespaces
from coprod_kg.model.files import files
from coprod_kg.model.graph import Graph
from coprod_kg.model.installed import Model
from coprod_kg.model.namespaces import expand
from coprod_kg.reasoning.rules import Rules
from coprod_kg.sandbox import wire
from coprod_kg.sandbox.child import standard_output
from coprod_kg.sandbox.fork import forked
from coprod_kg.sandbox.limits import cap_memory, deadline, lower_priority, no_core_files
from coprod_kg.validation.ahead import Ahead
from coprod_kg.validation.concluded_types import ConcludedTypes
from coprod_kg.validation.conclusions import conclusions
from coprod_kg.validation.profiles import ORGANISATIONS, Profiles
from coprod_kg.validation.report import Finding, Report
from coprod_kg.validation.shacl import Shapes
from coprod_kg.validation.vocabulary import KnownTerms
from coprod_kg.workbook import tables
from coprod_kg.workbook.sheets import sheets
from coprod_kg.workbook.words import empty_names

__all__ = ["Checker", "main", "prepare"]

_MB: Final = 2**20
_SHORTEST_TIMER: Final = 0.001
"""Seconds; a timer of none would never go off."""
_WORTH_A_FORK: Final = 4000
"""Triples from which the conclusions take so long that a copy of the process pays."""
_GARBAGE_DUE: Final = 50_000
"""New objects after which garbage is looked for: nearly all that a check makes lives to its end."""
_TYPE: Final = ox.NamedNode(expand("rdf:type"))


class Checker:
    """The shapes, rules and profiles, loaded once, that each file is checked with.

    Args:
        model: the ontology, shapes, rules and profiles.
        base_iri: where data lives.
        days_ahead: how many days after today are still taken for today.
        output_mb: how large the data written out in full may be.
        validates: whether data is validated; the store's data was, when it was submitted.
    """

    def __init__(
        self, model: Model, base_iri: str, days_ahead: int, output_mb: int, validates: bool
    ) -> None:
        self._base_iri = base_iri
        self._most_bytes = output_mb * _MB
        self._rules = Rules(model.rules, model.background)
        background = Graph(self._rules.background)
        self._shapes = (
            Shapes(model.submission.triples(), self._rules.background, f"{base_iri}id/")
            if validates
            else None
        )
        self._profiles = Profiles(model.stages, background)
        if self._shapes is not None:
            self._ahead = Ahead(model.submission, days_ahead)
            targets = [kind for _, kind in model.submission.pairs("sh:targetClass")]
            self._concluded_types = ConcludedTypes(background, targets, self._rules.infer)
            self._known_terms = KnownTerms(
                namespaces.prefixes()["cp"],
                namespaces.terms(),
                base_iri,
                model.background,
                {
                    *(
                        node.value
                        for name in ("sh:path", "sh:targetClass", "sh:class")
                        for _, node in model.submission.pairs(name)
                        if isinstance(node, ox.NamedNode)
                    ),
                    *(node.value for node in ORGANISATIONS),
                    *(
                        node.value
                        for triple in model.background
                        for node in triple
                        if isinstance(node, ox.NamedNode)
                    ),
                },
                model.words,
            )

    def rehearse(self) -> None:
        """Do once what takes longer the first time, so that no fork of this process has to.

        Each query of the shapes is asked over nothing, since to parse one takes longer than to ask
        it, and the largest example is checked, which indexes what it reads of the model.
        """
        node, model = ox.NamedNode("urn:coprod-kg:nothing"), Model.installed()
        targets = [target for _, target in model.submission.pairs("sh:targetSubjectsOf")]
        if self._shapes is not None:
            self._shapes.validate(ox.Triple(node, target, node) for target in targets)
        example = max((files("examples") / "cases").glob("*.ttl"), key=lambda it: it.stat().st_size)
        self.check(SubmittedFile(example.name, example.read_bytes()))

    def check(self, sent: SubmittedFile) -> Checked:
        """Read, validate and reason over one file."""
        try:
            if tables.is_table(sent.name, sent.stated):
                return self._check_table(sent)
            return self._check_rdf(sent)
        except (Unreadable, TooLarge, UnsupportedMedia) as error:
            return Checked(refusal=error)

    def _check_rdf(self, sent: SubmittedFile) -> Checked:
        form = format_of(sent.name, sent.stated)
        parsed = rdf.read(sent.content, sent.name, form, self._base_iri)
        triples = rdf.skolemised(parsed.triples, self._base_iri)
        summary = self._summary(triples)
        with self._concluding(triples, sent.name, summary.owner(sent)) as conclude:
            shape_findings = in_text(
                self._findings(triples), triples, sent.content, form, self._base_iri
            )
            return replace(
                summary,
                report=Report((*parsed.findings, *shape_findings)),
                data=self._n_triples(triples, sent.name),
                inferred=conclude(),
            )

    def _check_table(self, sent: SubmittedFile) -> Checked:
        # A stated name that none can have makes no IRIs: the report then names those in the file.
        scope = sent.organisation if _is_name(sent.organisation) else None
        table = tables.read(sent.content, sent.name, sheets(), self._base_iri, scope)
        table_findings = tuple(finding.finding(self._base_iri) for finding in table.findings)
        triples = sorted(table.triples, key=str)
        summary = self._summary(triples)
        partial = not sent.organisation and len(summary.runners) > 1
        summary = replace(
            summary, partial=partial, positions=table.positions, headers=headers_of(sheets())
        )
        parts = [] if sent.organisation or _leads(triples) else parts_of(triples, self._base_iri)
        if len(parts) > 1:
            return Checked(
                Report(table_findings),
                triples=len(triples),
                parts={
                    part.organisation: self._n_triples(part.triples, sent.name) for part in parts
                },
                partial=partial,
                positions=summary.positions,
                headers=summary.headers,
            )
        if table.organisation in summary.organisations:
            summary = replace(summary, leads=(table.organisation,))
        with self._concluding(triples, sent.name, summary.owner(sent)) as conclude:
            shape_findings = in_table(self._findings(triples), table.positions, summary.headers)
            return replace(
                summary,
                report=Report((*table_findings, *shape_findings)),
                data=self._n_triples(triples, sent.name),
                inferred=conclude(),
            )

    def _summary(self, triples: Sequence[ox.Triple]) -> Checked:
        """The things and organisations that the statements describe, and who runs what."""
        return Checked(
            described=frozenset(str(subject)[1:-1] for subject in {t.subject for t in triples}),
            organisations=self._slugs(_organisations(triples)),
            leads=self._slugs(_leads(triples)),
            runners=self._slugs(_runners(triples)),
            triples=len(triples),
        )

    def _findings(self, triples: Sequence[ox.Triple]) -> tuple[Finding, ...]:
        if self._shapes is None:
            return ()
        concluded_types = self._concluded_types.added(triples)
        shape_findings = self._shapes.validate([*triples, *concluded_types])
        term_findings = self._known_terms.check(triples)
        misnamed = {finding.focus for finding in term_findings if finding.path == _TYPE.value}
        uncovered = self._concluded_types.uncovered(triples, concluded_types, self._base_iri)
        return (
            *term_findings,
            *empty_names(triples),
            *self._ahead.check(triples),
            *(finding for finding in uncovered if finding.focus not in misnamed),
            *self._known_terms.advised(shape_findings),
        )

    def _concluding(
        self, triples: Sequence[ox.Triple], name: str, owner: str | None
    ) -> AbstractContextManager[Callable[[], bytes]]:
        """A function that returns the conclusions; of a large file a fork draws them meanwhile.

        Args:
            triples: the statements.
            name: of the file.
            owner: the organisation whose data it is, as far as that is known.
        """

        def draw() -> bytes:
            return self._n_triples(self._draw(triples, owner), name)

        in_fork = self._shapes is not None and len(triples) >= _WORTH_A_FORK
        return forked(draw) if in_fork else nullcontext(draw)

    def _draw(self, triples: Sequence[ox.Triple], owner: str | None) -> list[ox.Triple]:
        """The conclusions by the rules, and by the profiles of the stages that are met."""
        inferred = self._rules.infer(triples)
        owner_iri = (
            ox.NamedNode(f"{self._base_iri}id/organisation/{owner}") if _is_name(owner) else None
        )
        verdicts = self._profiles.judge(triples, inferred, owner_iri)
        return sorted(
            {*self._about_data(inferred), *conclusions(verdicts, self._base_iri)}, key=str
        )

    def _about_data(self, triples: Iterable[ox.Triple]) -> list[ox.Triple]:
        """Conclusions about the data; those about concepts and outside resources are left out."""
        return [
            triple
            for triple in triples
            if isinstance(triple.subject, ox.NamedNode)
            and triple.subject.value.startswith(self._base_iri)
        ]

    def _slugs(self, nodes: Iterable[Any]) -> tuple[str, ...]:
        stem = f"{self._base_iri}id/organisation/"
        return tuple(
            sorted(
                {
                    node.value.removeprefix(stem)
                    for node in nodes
                    if isinstance(node, ox.NamedNode) and node.value.startswith(stem)
                }
            )
        )

    def _n_triples(self, triples: Sequence[ox.Triple], name: str) -> bytes:
        lines = ox.serialize(triples, format=ox.RdfFormat.N_TRIPLES) or b""
        if len(lines) > self._most_bytes:
            raise TooLarge(
                f"written out in full, the data has more than {self._most_bytes // _MB} MB",
                where=name,
                fix="Send it in parts.",
            )
        return lines


def _leads(triples: Iterable[ox.Triple]) -> set[Any]:
    """The organisations that run every initiative for which the file states a runner."""
    run_by = ox.NamedNode(namespaces.term("runBy"))
    runners: dict[Any, set[Any]] = {}
    for triple in triples:
        if triple.predicate == run_by:
            runners.setdefault(triple.subject, set()).add(triple.object)
    return reduce(set.intersection, runners.values()) if runners else set()


def _runners(triples: Iterable[ox.Triple]) -> set[Any]:
    """The organisations that run anything."""
    run_by = ox.NamedNode(namespaces.term("runBy"))
    return {triple.object for triple in triples if triple.predicate == run_by}


def _is_name(organisation: str | None) -> bool:
    """Whether an organisation can have this name, the last part of its IRI."""
    return organisation is not None and namespaces.SLUG.fullmatch(organisation) is not None


def _organisations(triples: Iterable[ox.Triple]) -> set[Any]:
    """The organisations, and their units, that are described."""
    return {
        triple.subject
        for triple in triples
        if triple.predicate == _TYPE and triple.object in ORGANISATIONS
    }


@cache
def _checker(base_iri: str, days_ahead: int, output_mb: int, validates: bool) -> Checker:
    return Checker(Model.installed(), base_iri, days_ahead, output_mb, validates)


def prepare(settings: str) -> None:
    """Load what each check with these settings needs, for `coprod_kg.sandbox.fork_server`.

    Args:
        settings: the arguments of `Checker` after the model, as JSON.
    """
    _checker(*json.loads(settings)).rehearse()
    sheets()


def _serve(source: IO[bytes], sink: IO[bytes]) -> None:
    job_message = wire.read(source, 0)
    if job_message is None:
        return
    job = job_message[0]
    limits = Limits(**job["limits"])
    checker = _checker(job["base_iri"], limits.days_ahead, limits.output_mb, job["validates"])
    # After the model is loaded, so that the cap counts the memory of the file without the model's.
    cap_memory(limits.memory_mb)
    wire.write(sink, {"ready": True})
    end = math.inf if limits.total_seconds is None else time.monotonic() + limits.total_seconds
    while (message := wire.read(source, sys.maxsize)) is not None:
        header, (content,) = message
        seconds_left = max(end - time.monotonic(), _SHORTEST_TIMER)
        try:
            with deadline(min(limits.seconds, seconds_left)):
                checked = checker.check(SubmittedFile(content=content, **header))
        except MemoryError:
            os.abort()  # as the parser itself does at its cap
        wire.write(sink, *checked.frame())


def main() -> None:
    """Serve the messages on standard input, then end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    no_core_files()
    lower_priority()
    gc.set_threshold(_GARBAGE_DUE)
    _serve(sys.stdin.buffer, standard_output())


if __name__ == "__main__":
    main()
