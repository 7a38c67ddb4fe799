"""Content of a saved query's page: its form, its answer, its chart, and how it is cited."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode
from zlib import crc32

from flask import render_template

from coprod_kg.formats.media_types import CHARTS, ROWS
from coprod_kg.formats.table import read_table
from coprod_kg.model.schemes import schemes
from coprod_kg.queries.caveat import caveat, caveat_of_claims
from coprod_kg.queries.charts.chart import described, has_chart
from coprod_kg.queries.derived import formats_of
from coprod_kg.queries.labels import text_in
from coprod_kg.queries.library import SavedQuery
from coprod_kg.queries.question import MeasuredAnswer, Question, bytes_within
from coprod_kg.queries.runs.ledger import Run, RunLedger
from coprod_kg.store.base import Answer
from coprod_kg.web.pages.table import MOST_ROWS, view
from coprod_kg.web.question import PageLinks
from coprod_kg.web.site import Site

__all__ = ["QueryPage"]

_MOST_OPTIONS: Final = 500
"""So many values are offered in a list; with more of them a value is typed."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the form of a saved query's page."""

    name: str
    label: str
    description: str
    takes: str
    values: tuple[str, ...]
    options: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class QueryPage:
    """What a page shows beside the answer.

    Attributes:
        site: where.
        run: the last run of the query, where the newest version is asked.
        kept: how long the permanent link answers, in a sentence.
    """

    site: Site
    run: Run | None
    kept: str

    @classmethod
    def of(
        cls, site: Site, query: SavedQuery, number: int | None, language: str = ""
    ) -> "QueryPage":
        """What is shown of one version; of the newest where it is None."""
        runs = RunLedger(site.settings.data).current({query.name: query}, site.store)
        run = runs.get(query.name) if number is None else None
        return cls(site, run, _how_long(site, site.version(number), language))

    @property
    def stamp(self) -> str:
        """What makes a page differ without a new version: the last run, the note on its link."""
        known = f"{self.run.version}-{self.run.time}-" if self.run else ""
        return f"{known}{crc32(self.kept.encode()):08x}"

    def written(
        self, question: Question, answer: Answer, found: MeasuredAnswer | None, around: PageLinks
    ) -> str:
        """The page, with the chart of the query where it has one.

        Args:
            question: the saved query as it was asked.
            answer: its answer, as SPARQL JSON results or Turtle.
            found: the answer with its measure, where that is known.
            around: where other parts of the rows are.
        """
        site, query, claims = self.site, question.saved, question.claims
        own, data = site.settings.queries, bytes_within(answer)
        rows = answer.media_type == ROWS[0].media_type
        table = read_table(data) if rows and data is not None else None
        links = _links(question, site)
        earlier = (number for number in site.store.versions() if number < answer.version)
        return render_template(
            "query.html",
            query=query,
            text=question.text,
            fields=_fields(query, question.values, question.language),
            columns=_columns(query, question.language),
            labels_in=question.language,
            view=view(site, table, query, question.language) if table is not None else None,
            graph=data.decode("utf-8") if data is not None and not rows else None,
            most=MOST_ROWS,
            described=described(query, table, own, claims, question.language)
            if table is not None and has_chart(query, own)
            else None,
            chart=dict(links).get(CHARTS[0].label),
            links=links,
            around=around,
            cited=found.citation() if found else None,
            run=self.run,
            kept=self.kept,
            before=max(earlier, default=0),
            version=answer.version,
            note=found.note if found else "",
            caveat=caveat(table, claims, question.language, has_headings=True)
            if table is not None
            else caveat_of_claims(claims, language=question.language),
        )


def _how_long(site: Site, number: int, language: str) -> str:
    """How long the permanent link to a version answers, in a sentence or two."""
    kept, settings = site.store.kept(number), site.settings
    if kept.names:
        told = text_in("The link always answers: version {version} has the name {name}.", language)
        return told.format(version=number, name=kept.names[0])
    if kept.cited is not None and kept.cited < settings.keep_cited:
        others = max(1, settings.keep_cited - kept.cited)
        cited = text_in("Version {version} was cited.", language).format(version=number)
        one = text_in(
            "The link answers at least until 1 other version was cited after it.", language
        )
        several = text_in(
            "The link answers at least until {others} other versions were cited after it.", language
        )
        return f"{cited} {one if others == 1 else several.format(others=others)}"
    newer = max(1, settings.keep_versions - kept.newer)
    one = text_in("The link answers until the data has changed 1 more time.", language)
    several = text_in("The link answers until the data has changed {newer} more times.", language)
    until = one if newer == 1 else several.format(newer=newer)
    if not settings.keep_cited:
        return until
    longer = text_in(
        "Take the citation as text, BibTeX or CSL-JSON, and it answers longer: "
        "until {others} other versions were cited after this one.",
        language,
    )
    return f"{until} {longer.format(others=settings.keep_cited)}"


def _links(question: Question, site: Site) -> list[tuple[str, str]]:
    """Links to the same answer in every other format: label and address."""
    query = question.saved
    pairs = [(name, value) for name, several in question.values.items() for value in several]
    pairs += [("lang", question.language)] if question.language else []
    pairs += [("version", str(question.version))] if question.version is not None else []
    tail = f"?{urlencode(pairs)}" if pairs else ""
    formats = formats_of(query, site.settings.queries)
    return [
        (text_in(form.label, question.language), f"/queries/{query.name}.{form.name}{tail}")
        for form in formats
    ]


def _columns(query: SavedQuery, language: str) -> list[tuple[str, str]]:
    """The name of each column, and what it means."""
    return [(column.name, text_in(column.description, language)) for column in query.columns]


def _fields(query: SavedQuery, values: Mapping[str, Sequence[str]], language: str) -> list[Field]:
    vocabulary = schemes()
    fields = []
    for parameter in query.parameters:
        concepts = vocabulary[parameter.scope].concepts if parameter.type == "concept" else {}
        called = dict(parameter.allowed or ()) | {
            slug: concept.label(language or "en") for slug, concept in concepts.items()
        }
        values_there = parameter.permitted(vocabulary)
        few = values_there if len(values_there) <= _MOST_OPTIONS else ()
        options = tuple((value, called.get(value, value)) for value in few)
        chosen = tuple(values.get(parameter.name, ()))
        label = text_in(parameter.name.replace("_", " ").capitalize(), language)
        about = text_in(parameter.description, language)
        takes = parameter.takes_in(language)
        fields.append(Field(parameter.name, label, about, takes, chosen, options))
    return fields
