"""Generator of the table of competency questions in the ontology's README.

python -m coprod_kg.queries.competency_table
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from coprod_kg.errors import ModelError
from coprod_kg.model.files import files
from coprod_kg.queries.library import SavedQuery, load
from coprod_kg.sparql.tokens import significant

__all__ = ["table", "with_table"]

_HEADING: Final = "## Competency questions\n"
_BEGIN: Final = "<!-- questions: written by `python -m coprod_kg.queries.competency_table` -->\n"
_END: Final = "<!-- questions: end -->\n"


def table(queries: Mapping[str, SavedQuery]) -> str:
    """Question, the ontology's terms that it uses, and the query that answers it, as Markdown."""
    rows = sorted((answer, query.name) for query in queries.values() for answer in query.answers)
    lines = ["| | Question | Terms | Query |", "|---|---|---|---|"]
    for answer, name in rows:
        terms = ", ".join(f"`{term}`" for term in _terms(queries[name].text))
        link = f"[{name}](../queries/questions/{name}.rq)"
        lines.append(f"| {answer} | {queries[name].summary} | {terms} | {link} |")
    return "\n".join(lines) + "\n"


def with_table(text: str, queries: Mapping[str, SavedQuery]) -> str:
    """The README's text with the table between its markers, which are added where they are not.

    Raises:
        ModelError: the README has no such heading.
    """
    before, heading, after = text.partition(_HEADING)
    if not heading:
        raise ModelError(f"there is no heading {_HEADING.strip()!r}", where="ontology/README.md")
    section = f"{_BEGIN}{table(queries)}{_END}"
    intro, begin, rest = after.partition(_BEGIN)
    if begin:
        return f"{before}{heading}{intro}{section}{rest.partition(_END)[2]}"
    body, next_heading, others = after.partition("\n## ")
    return f"{before}{heading}{body.rstrip()}\n\n{section}{next_heading}{others}"


def _terms(text: str) -> Iterator[str]:
    names = {token.text for token in significant(text) if token.kind == "pname"}
    return iter(sorted(term for term in names if term.startswith("cp:") and term != "cp:"))


def _write(path: Path) -> None:
    path.write_text(with_table(path.read_text(encoding="utf-8"), load()), encoding="utf-8")


if __name__ == "__main__":
    _write(files("ontology") / "README.md")
