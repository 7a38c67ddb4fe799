"""A report as an HTML page, or as a part of one, without scripts or external resources."""

from collections.abc import Sequence
from functools import cache
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from coprod_kg.ingest.report.wording import change_groups, problems
from coprod_kg.ingest.reported import Reported, language_of
from coprod_kg.workbook.sentences import sentence

__all__ = ["as_page", "as_part", "styles"]

_PLACES: Final = 10
_NAMES: Final = 30
_ORGANISATIONS: Final = 5


def as_page(files: Sequence[Reported], base_iri: str) -> str:
    """A whole page, which can be kept and opened without a network."""
    return (
        _templates()
        .get_template("page.html")
        .render(part=as_part(files, base_iri), lang=language_of(files))
    )


def as_part(files: Sequence[Reported], base_iri: str) -> str:
    """The report as the main part of a page, escaped."""
    parts = [
        (
            file,
            problems(file.report, base_iri, _PLACES),
            [] if file.error else change_groups(file, base_iri, _NAMES),
        )
        for file in files
    ]
    return _templates().get_template("report.html").render(files=parts)


def styles() -> str:
    """The style sheet of the report, for a page that it is a part of."""
    return _templates().get_template("report.css").render()


def _whose(file: Reported) -> str:
    """How many statements a file holds, and of which organisations."""
    language, count, several = file.language, file.triples, len(file.organisations) > 1
    if not any(name for name, _ in file.organisations):
        statements = sentence("statements", language, count=count)
        return f"{statements}; {sentence('whose-unsaid', language)}"
    names = [
        name or sentence("others-unnamed", language)
        for name, _ in file.organisations[:_ORGANISATIONS]
        if name or several
    ]
    listed, more = ", ".join(names), len(file.organisations) - _ORGANISATIONS
    if more > 0:
        listed += f" {sentence('more', language, count=more)}"
    return sentence("statements-of", language, count=count, whose=listed)


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("coprod_kg.ingest.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["say"] = sentence
    environment.globals["whose"] = _whose
    return environment
