"""The index of all names of a version, as the client of a request may see them."""

from typing import Final

from flask import request

from coprod_kg.errors import LimitReached
from coprod_kg.formats.media_types import ROWS
from coprod_kg.formats.table import read_table
from coprod_kg.model.schemes import schemes
from coprod_kg.queries.question import Question, bytes_within
from coprod_kg.web.name_index import Entry, SearchIndex
from coprod_kg.web.request_log import request_log
from coprod_kg.web.site import VOCABULARY, Site

__all__ = ["kind_of", "names"]

_MOST_BYTES: Final = 64 << 20


def names(site: Site, version: int) -> SearchIndex:
    """The names of organisations, initiatives, concepts and saved queries.

    Raises:
        LimitReached: there are more than an index holds.
    """
    key = (version, request_log(request).hidden, site.queries.mark())
    return site.names.get(key, lambda: _entries(site, version))


def kind_of(site: Site, iri: str) -> str:
    """What an IRI names: ``organisation``, ``barrier``, ``country`` …; empty if it is not ours."""
    for start in (f"{site.settings.base_iri}id/", VOCABULARY):
        if iri.startswith(start):
            return iri.removeprefix(start).partition("/")[0]
    return "country" if iri.startswith(f"{schemes()['country'].iri}/") else ""


def _entries(site: Site, version: int) -> list[Entry]:
    question = Question(site.endpoint, site.views["view-names"], {}, version)
    data = bytes_within(question.answer((ROWS[0].media_type,)), _MOST_BYTES)
    if data is None:
        raise LimitReached("there are more names than the search can hold")
    entries = [
        Entry(
            row["thing"].value,
            kind_of(site, row["thing"].value),
            row["name"].value,
            row["name"].language,
            float(row["weight"].value),
        )
        for row in read_table(data).rows
    ]
    # Over 70,000 names an ORDER BY of things takes the engine 6 of 9 s.
    entries.sort(key=lambda entry: (entry.iri, -entry.weight, entry.text, entry.language or ""))
    questions = site.queries.values()
    for query in questions:
        for language, summary in (("en", query.summary), *query.summaries):
            entries.append(Entry(query.name, "question", summary, language, 0.8))
    return [entry for entry in entries if entry.kind]
