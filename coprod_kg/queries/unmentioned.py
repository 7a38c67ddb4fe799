"""Note on the things among the values of a question that the data do not mention."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from coprod_kg.formats.table import Table
from coprod_kg.queries.labels import text_in

__all__ = ["note_on_unmentioned", "text_of_mentioned"]

_URI_CHARACTERS: Final = "%/:?#[]@!$&'()*+,;=~"


def text_of_mentioned(iris: Sequence[str]) -> str:
    """The query that finds which of some IRIs are the subject or the object of a statement.

    Args:
        iris: as SPARQL writes them, in angle brackets.
    """
    return (
        f"SELECT ?thing WHERE {{ VALUES ?thing {{ {' '.join(iris)} }} "
        "FILTER(EXISTS { ?thing ?p ?o } || EXISTS { ?s ?q ?thing }) }"
    )


def note_on_unmentioned(iris: Sequence[str], found: Table, base_iri: str, language: str) -> str:
    """A sentence on those of the IRIs that were not found, or an empty text.

    Args:
        iris: as for `text_of_mentioned`.
        found: the answer to it.
        base_iri: what is left out of the names of things.
        language: the reader's; empty for English.
    """
    mentioned = {f"<{row['thing']}>" for row in found.texts()}
    # The sentence stands in a header too, which takes ASCII alone.
    things = [
        quote(iri[1:-1].removeprefix(f"{base_iri}id/"), safe=_URI_CHARACTERS)
        for iri in dict.fromkeys(iris)
        if iri not in mentioned
    ]
    if not things:
        return ""
    sentence = text_in(
        "The data do not mention {things}: look its identifier up by its name.", language
    )
    return sentence.format(things=", ".join(things))
