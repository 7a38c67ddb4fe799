"""Citation of one answer: as a sentence, BibTeX and CSL-JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlencode

from coprod_kg.model.namespaces import LICENCE
from coprod_kg.model.translations import day
from coprod_kg.queries.content_hash import Content
from coprod_kg.queries.labels import text_in
from coprod_kg.queries.library import SavedQuery

__all__ = ["AUTHOR", "TITLE", "Citation", "canonical", "cite", "permalink", "query_hash", "tex"]

TITLE: Final = "Mainstreaming co-production: a knowledge graph"
AUTHOR: Final = "coprod-kg contributors"
_ESCAPES: Final = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "%": r"\%",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    '"': r"\textquotedbl{}",
}


@dataclass(frozen=True, slots=True)
class Citation:
    """One answer, as it is cited.

    Attributes:
        version: the dataset version that answered.
        lineage: the lineage of that version: the data before and after a restore differ in it.
        dated: when that version was made, where that is recorded.
        query: the name of the saved query.
        question: what it asks, in one sentence.
        query_sha256: the hash of the saved query's text.
        parameters: what it was bound to, in their one order.
        rows: how many rows the answer has; None for a truth value.
        sha256: the hash of what the answer says (`coprod_kg.queries.content_hash`).
        link: the permanent address, with the version in it.
        retrieved: when it was asked, or None where that is left out.
        withheld: how many cells are withheld, and by which rule; empty where there is no rule.
        caveat: how much of it is secondary coding, in a sentence; empty where nothing is.
        language: of its words; empty for English. What is cited keeps its name.
    """

    version: int
    lineage: str
    dated: datetime | None
    query: str
    question: str
    query_sha256: str
    parameters: tuple[tuple[str, str], ...]
    rows: int | None
    sha256: str
    link: str
    retrieved: datetime | None
    withheld: str = ""
    caveat: str = ""
    language: str = ""

    @property
    def sentence(self) -> str:
        """What is cited and where it is, without the day on which it was asked."""
        values = ", ".join(f"{name} = {_one_line(value)}" for name, value in self.parameters)
        query = text_in("query {query}", self.language).format(query=self.query)
        query += text_in(" with {values}", self.language).format(values=values) if values else ""
        question = f"{query}: {_one_line(self.question)}"
        return (
            f"{AUTHOR} ({self._year()}), {TITLE}, {self._version()}, "
            f"{question} ({self._row_count()}; {self._hashes()}), {self.link}"
        )

    def text(self) -> str:
        """One sentence, and the caveat where there is one."""
        retrieval = ""
        if self.retrieved:
            retrieval = text_in("retrieved {day}", self.language).format(
                day=self._day(self.retrieved)
            )
        terms = "; ".join(part for part in (retrieval, self._licence()) if part)
        caveat = f" {self.caveat}" if self.caveat else ""
        return f"{self.sentence} ({terms}).{caveat}\n"

    def bibtex(self) -> str:
        """A ``@misc`` entry; every character that TeX reads as its own is escaped."""
        note = f"{self._row_count()}; {self._hashes()}; {self._licence()}"
        note += f". {self.caveat}" if self.caveat else ""
        values = ", ".join(f"{name} = {value}" for name, value in self.parameters)
        title = f"{TITLE}: {self.question}" + (f" ({values})" if values else "")
        fields = {
            "author": "{" + tex(AUTHOR) + "}",
            "title": "{" + tex(title) + "}",
            "year": self._year(),
            "version": str(self.version),
            "howpublished": tex(f"{text_in('Dataset', self.language)} {self._version()}"),
            "url": _address(self.link),
            **({"urldate": self.retrieved.date().isoformat()} if self.retrieved else {}),
            "note": tex(note),
        }
        key = f"coprod-kg-{self.query}-v{self.version}-{self.sha256[:8]}"
        lines = [f"  {name} = {{{value}}}," for name, value in fields.items()]
        return "\n".join([f"@misc{{{key},", *lines, "}", ""])

    def csl(self) -> list[dict[str, Any]]:
        """CSL-JSON: a list of one item."""
        return [
            {
                "id": f"coprod-kg-{self.query}-v{self.version}-{self.sha256[:8]}",
                "type": "dataset",
                "title": f"{TITLE}: {self.question}",
                "author": [{"literal": AUTHOR}],
                "version": str(self.version),
                **({"issued": _parts(self.dated)} if self.dated else {}),
                **({"accessed": _parts(self.retrieved)} if self.retrieved else {}),
                "URL": self.link,
                "license": LICENCE,
                "note": f"{self._row_count()}; {self._hashes()}"
                + (f". {self.caveat}" if self.caveat else ""),
                "custom": {
                    "lineage": self.lineage,
                    "query": self.query,
                    "query-sha256": self.query_sha256,
                    "parameters": [list(pair) for pair in self.parameters],
                    "rows": self.rows,
                    "content-sha256": self.sha256,
                },
            }
        ]

    def csl_text(self) -> str:
        """CSL-JSON as a file."""
        return json.dumps(self.csl(), ensure_ascii=False, indent=1) + "\n"

    def undated(self) -> "Citation":
        """The same without the day on which it was asked, so that it stays the same."""
        return replace(self, retrieved=None)

    def _year(self) -> str:
        return str(self.dated.year) if self.dated else text_in("n.d.", self.language)

    def _version(self) -> str:
        if self.dated:
            template = text_in("version {version} of {day}, lineage {lineage}", self.language)
            day_of_version = self._day(self.dated)
            return template.format(version=self.version, day=day_of_version, lineage=self.lineage)
        template = text_in("version {version}, lineage {lineage}", self.language)
        return template.format(version=self.version, lineage=self.lineage)

    def _row_count(self) -> str:
        if self.rows is None:
            return text_in("yes or no", self.language)
        singular, plural = text_in("1 row", self.language), text_in("{rows} rows", self.language)
        row_count = singular if self.rows == 1 else plural.format(rows=self.rows)
        return f"{row_count}, {self.withheld}" if self.withheld else row_count

    def _hashes(self) -> str:
        template = text_in("SHA-256 of the answer {answer}, of the query {query}", self.language)
        return template.format(answer=self.sha256, query=self.query_sha256)

    def _licence(self) -> str:
        return text_in("licence {licence}", self.language).format(licence=LICENCE)

    def _day(self, moment: datetime) -> str:
        return day(moment.date().isoformat(), self.language or "en")


def canonical(
    query: SavedQuery, values: Mapping[str, Sequence[str]]
) -> tuple[tuple[str, str], ...]:
    """The parameters in their one order: as the query declares them, values sorted, each once."""
    declared = {
        parameter.name: parameter.bound_texts(values.get(parameter.name, ()))
        for parameter in query.parameters
    }
    undeclared = {name: values[name] for name in sorted(values) if name not in declared}
    return tuple(
        (name, value)
        for name, parameter_values in (declared | undeclared).items()
        for value in sorted(set(parameter_values))
        if value
    )


def permalink(
    root: str, query: str, parameters: Sequence[tuple[str, str]], place: tuple[int, str]
) -> str:
    """The permanent address of an answer.

    Args:
        root: the address of the service, with a slash at its end.
        query: the name of the saved query.
        parameters: what it is bound to, in their one order.
        place: the dataset version and its lineage.
    """
    version, lineage = place
    pairs = [*parameters, ("version", str(version)), ("lineage", lineage)]
    return f"{root}queries/{query}?{urlencode(pairs)}"


def query_hash(query: SavedQuery) -> str:
    """The SHA-256 of a saved query's text, in hexadecimal."""
    return sha256(query.text.encode()).hexdigest()


def cite(
    query: SavedQuery,
    parameters: tuple[tuple[str, str], ...],
    content: Content,
    place: tuple[str, int, str, datetime | None],
    language: str = "",
) -> Citation:
    """The citation of an answer that is retrieved now.

    Args:
        query: the saved query.
        parameters: what it was bound to, in their one order.
        content: the measure of the answer.
        place: the service's address, the dataset version, its lineage, and when it was made.
        language: of its words; empty for English.
    """
    root, version, lineage, dated = place
    return Citation(
        version=version,
        lineage=lineage,
        dated=dated,
        query=query.name,
        question=query.asked_in(language)[0],
        query_sha256=query_hash(query),
        parameters=parameters,
        rows=content.rows,
        sha256=content.sha256,
        link=permalink(root, query.name, parameters, (version, lineage)),
        retrieved=datetime.now(UTC),
        withheld=_withheld_note(query, content, language),
        caveat=content.caveat,
        language=language,
    )


def _withheld_note(query: SavedQuery, content: Content, language: str) -> str:
    if query.small_counts is None:
        return ""
    singular = text_in("1 cell withheld (small counts: {rule})", language)
    plural = text_in("{cells} cells withheld (small counts: {rule})", language)
    template = singular if content.withheld == 1 else plural
    return template.format(cells=content.withheld, rule=query.small_counts.rule)


def tex(text: str) -> str:
    """A text for a field of BibTeX, with every character that TeX reads as its own escaped."""
    return "".join(_ESCAPES.get(character, character) for character in _one_line(text))


def _address(link: str) -> str:
    """An address for BibTeX: characters that would end its field are percent-encoded."""
    return link.replace("\\", "%5C").replace("{", "%7B").replace("}", "%7D")


def _one_line(text: str) -> str:
    """A text on one line, without control characters."""
    return " ".join(
        "".join(character if character.isprintable() else " " for character in text).split()
    )


def _parts(moment: datetime) -> dict[str, list[list[int]]]:
    return {"date-parts": [[moment.year, moment.month, moment.day]]}
