"""A report as an HTML page, or as a part of one, without scripts or external resources."""

from collections.abc import Sequence
from functools import cache
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from coprod_kg.ingest.report.wording import change_groups, problems
from coprod_kg.ingest.reported import Reported

__all__ = ["as_page", "as_part", "styles"]

_PLACES: Final = 10
_NAMES: Final = 30


def as_page(files: Sequence[Reported], base_iri: str) -> str:
    """A whole page, which can be kept and opened without a network."""
    return _templates().get_template("page.html").render(part=as_part(files, base_iri))


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


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("coprod_kg.ingest.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
