"""The query for the date of a dataset version, and the parser of its answer."""

from datetime import datetime

from coprod_kg.formats.table import read_table

__all__ = ["dated", "dating"]


def dating(base_iri: str, version: int) -> str:
    """The SPARQL query for the time at which a version was made."""
    return (
        f"SELECT ?time WHERE {{ <{base_iri}version/{version}> "
        "<http://www.w3.org/ns/prov#generatedAtTime> ?time }"
    )


def dated(data: bytes) -> datetime | None:
    """The time in the answer, SPARQL JSON results, or None where none is recorded."""
    times = (row["time"] for row in read_table(data).texts())
    return next(map(datetime.fromisoformat, times), None)
