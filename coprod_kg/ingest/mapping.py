"""Runner of an RML mapping, which turns other people's tables into RDF.

The engine, morph-kgc, lives in an environment of its own, because it needs older libraries than
this package. It runs in a process with a deadline, a memory cap and no network; what it writes
goes through the same sandbox as a file that was sent.
"""

import csv
import json
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from coprod_kg.errors import LimitReached, TooLarge, WrongUsage
from coprod_kg.ingest.lines import FROM
from coprod_kg.ingest.mapping_engine import FAULTS, MISSING, PLACES, QUERIES
from coprod_kg.ingest.mapping_queries import QueryFault, queries_of
from coprod_kg.ingest.outcome import SubmittedFile
from coprod_kg.ingest.sandbox import check, open_file
from coprod_kg.model import namespaces
from coprod_kg.model.namespaces import expand
from coprod_kg.model.schemes import schemes
from coprod_kg.sandbox.child import ChildExit, run
from coprod_kg.sandbox.limits import Death
from coprod_kg.settings import Settings
from coprod_kg.workbook.sheets import sheets

__all__ = ["BASE", "Mapped", "Mapping", "Unmatched", "apply"]

BASE: Final = "https://w3id.org/coprod/"
"""Under which a mapping names things; they are written relative to it."""
_TYPE: Final = expand("rdf:type")
_STRING: Final = expand("xsd:string")
_LAUNCHER: Final = Path(__file__).with_name("mapping_engine.py")
_INI: Final = """[CONFIGURATION]
output_file = mapped.nt
number_of_processes = 1
logging_level = ERROR
na_values = ,nan,None
[source]
mappings = mapping.rml.ttl
"""
_GROWTH: Final = 4
_GRACE: Final = 30
_WORK_FILES: Final = frozenset(
    {
        *("engine.ini", "mapped.nt", "mapping.rml.ttl", "vocabulary.csv", "names.csv"),
        *("unmatched.json", PLACES, QUERIES),
    }
)
_INSTALL: Final = (
    "Install it apart from coprod-kg: python3 -m venv rml && rml/bin/pip install morph-kgc; "
    "then add --engine rml/bin/python."
)


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping and its sources.

    Attributes:
        file: the mapping, in RML; the CSV files beside it are its tables.
        sources: the data to map, known to the mapping by their names.
        engine: the Python that has morph-kgc.
    """

    file: Path
    sources: Sequence[Path]
    engine: Path


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A word of the source that names no concept.

    Attributes:
        scheme: the scheme in which it was looked up.
        value: the word.
        place: its place in the source, as the mapping states it.
        near: the concepts that it may mean.
    """

    scheme: str
    value: str
    place: str
    near: tuple[str, ...]

    def __str__(self) -> str:
        meant = f" Did you mean {' or '.join(self.near[:3])}?" if self.near else ""
        return f"{self.place}: {self.value[:80]!r} is no {self.scheme}, so it was left out.{meant}"


@dataclass(frozen=True, slots=True)
class Mapped:
    """The result of a mapping.

    Attributes:
        turtle: the data as Turtle, with names relative to the base.
        unmatched: the words that its lookups did not find.
    """

    turtle: str
    unmatched: tuple[Unmatched, ...]


def apply(mapping: Mapping, settings: Settings) -> Mapped:
    """The mapped data, which is not validated here, and the words without a match.

    Raises:
        WrongUsage: there is no engine, a file is named twice, or the mapping does not run.
        LimitReached: it took too long or too much memory.
        TooLarge: a file, or what was made of it, has more than the limit.
        Unreadable: a file cannot be opened, or the engine wrote what is no RDF.
    """
    with tempfile.TemporaryDirectory(prefix="coprod-mapping-") as folder:
        work = Path(folder).resolve()
        _lay_out(work, mapping, settings)
        _run(work, mapping, settings)
        output = work / "mapped.nt"
        unmatched = tuple(
            Unmatched(scheme, value, place, tuple(near))
            for scheme, value, place, near in json.loads((work / "unmatched.json").read_bytes())
        )
        places = json.loads((work / PLACES).read_bytes())
        output_file = (
            replace(open_file(output, settings), name=mapping.file.name)
            if output.exists()
            else None
        )
    if output_file is None or not output_file.content.strip():
        return Mapped("", unmatched)
    data = _canonical(replace(output_file, stated="application/n-triples"), settings)
    turtle = _turtle(data, places)
    return Mapped(turtle, unmatched)


def _lay_out(work: Path, mapping: Mapping, settings: Settings) -> None:
    """Put the mapping, its tables, the sources and the vocabulary into the work folder."""
    tables = sorted(mapping.file.parent.glob("*.csv"))
    source_names = {source.name for source in mapping.sources}
    files = [*(table for table in tables if table.name not in source_names), *mapping.sources]
    if len(source_names) < len(mapping.sources) or _WORK_FILES & {source.name for source in files}:
        raise WrongUsage(
            "each source has a name of its own, and none of " + ", ".join(sorted(_WORK_FILES)),
            fix="Rename the file, here and in the mapping.",
        )
    content = open_file(mapping.file, settings).content
    (work / "mapping.rml.ttl").write_bytes(content)
    queries = [(query.name, query.text, query.templates) for query in queries_of(content, BASE)]
    (work / QUERIES).write_text(json.dumps(queries), encoding="utf-8")
    for source in files:
        (work / source.name).write_bytes(open_file(source, settings).content)
    (work / "engine.ini").write_text(_INI, encoding="utf-8")
    with (work / "vocabulary.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["scheme", "notation", "iri", "language", "label"])
        for name, scheme in schemes().items():
            for slug, concept in scheme.concepts.items():
                for language, label in sorted(concept.labels.items()):
                    writer.writerow([name, slug, concept.iri, language, label])
    with (work / "names.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        for name, choices in sheets().choices.items():
            for choice in choices.members:
                label = choice.label("en")
                for word in dict.fromkeys((choice.slug, *choice.labels.values(), *choice.names)):
                    writer.writerow([name.replace("_", "-"), word, choice.iri, label])


def _run(work: Path, mapping: Mapping, settings: Settings) -> None:
    """Run the engine in the work folder, with nothing of this process's environment."""
    engine = shutil.which(mapping.engine)
    if engine is None:
        raise WrongUsage("there is no such Python", where=str(mapping.engine), fix=_INSTALL)
    limits = settings.submission_seconds, settings.submission_memory_mb, settings.body_mb
    ended = run(
        [str(Path(engine).absolute()), "-I", "-B", str(_LAUNCHER), *map(str, limits)],
        seconds=settings.submission_seconds + _GRACE,
        environ={"HOME": str(work), "PYTHONUTF8": "1"},
        folder=work,
    )
    if ended.status == FAULTS:
        raise _faults(work, mapping)
    if ended.status:
        raise _refusal(ended, mapping, settings)


def _faults(work: Path, mapping: Mapping) -> WrongUsage:
    """Every query that does not run, with the places of the value on which it stopped."""
    sources = sorted(path for path in work.iterdir() if path.name not in _WORK_FILES)
    faults = [
        QueryFault.of(name, words, sources)
        for name, words in json.loads((work / PLACES).read_bytes())
    ]
    subject = "a query" if len(faults) == 1 else f"{len(faults)} queries"
    fault_lines = "\n".join(map(str, faults))
    return WrongUsage(
        f"{subject} of the mapping {'does' if len(faults) == 1 else 'do'} not run\n{fault_lines}",
        where=mapping.file.name,
        fix="Mend the query, or the cell of the source; TRY_CAST leaves out what does not fit.",
    )


def _refusal(
    ended: ChildExit, mapping: Mapping, settings: Settings
) -> LimitReached | TooLarge | WrongUsage:
    where, part = mapping.file.name, "Map a part of the data, or raise the setting"
    if ended.status == MISSING:
        return WrongUsage(
            f"the Python {mapping.engine} has no morph-kgc, which runs mappings", fix=_INSTALL
        )
    if ended.death is Death.DEADLINE:
        return LimitReached(
            f"the mapping ran longer than {settings.submission_seconds:g} s",
            where=where,
            fix=f"{part} submission-seconds.",
        )
    if ended.death is Death.OUTPUT:
        return TooLarge(
            f"the mapping writes more than {settings.body_mb} MB",
            where=where,
            fix=f"{part} body-mb.",
        )
    if ended.status < 0 or b"out of memory" in ended.stderr.lower():
        return LimitReached(
            f"the mapping needed more than {settings.submission_memory_mb} MB of memory",
            where=where,
            fix=f"{part} submission-memory-mb.",
        )
    words = ended.last_words or "none"
    return WrongUsage("the mapping does not run", where=where, fix=f"The engine's words: {words}")


def _canonical(sent: SubmittedFile, settings: Settings) -> bytes:
    """The engine's output, read in the sandbox: sorted N-Triples."""
    [checked] = check([sent], replace(settings, base_iri=BASE), validates=False)
    if checked.refusal:
        raise checked.refusal
    return checked.data


def _turtle(data: bytes, places: dict[str, str]) -> str:
    """N-Triples as readable Turtle in one order, with a comment on the source of each thing."""
    triples: dict[str, dict[str, list[str]]] = {}
    comments: dict[str, str] = {}
    for quad in ox.parse(data, format=ox.RdfFormat.N_TRIPLES):
        if place := places.get(str(quad.subject)[1:-1]):
            comments[_short(quad.subject)] = f"{FROM}{' '.join(place.split())}\n"
        verb = "a" if quad.predicate.value == _TYPE else _short(quad.predicate)
        triples.setdefault(_short(quad.subject), {}).setdefault(verb, []).append(
            _short(quad.object)
        )
    blocks = [
        f"{comments.get(subject, '')}{subject}\n    " + " ;\n    ".join(_lines(properties)) + " .\n"
        for subject, properties in sorted(triples.items())
    ]
    body = "".join(blocks)
    prefix_lines = [
        f"@prefix {prefix}: <{space}> .\n"
        for prefix, space in namespaces.prefixes().items()
        if f" {prefix}:" in body or f"^^{prefix}:" in body
    ]
    return "".join(prefix_lines) + "\n" + "\n".join(blocks)


def _lines(properties: dict[str, list[str]]) -> Iterable[str]:
    """The statements about one thing: its types first, the others in order."""
    for verb in sorted(properties, key=lambda predicate: (predicate != "a", predicate)):
        yield f"{verb} {', '.join(sorted(properties[verb]))}"


def _short(term: object) -> str:
    if isinstance(term, ox.NamedNode):
        if term.value.startswith(f"{BASE}id/"):
            return f"<{term.value.removeprefix(BASE)}>"
        short = namespaces.shorten(term.value)
        return short if _plain(short) and short != term.value else str(term)
    if isinstance(term, ox.Literal) and not term.language and term.datatype.value != _STRING:
        return f"{ox.Literal(term.value)}^^{_short(term.datatype)}"
    return str(term)


def _plain(short: str) -> bool:
    """Whether a short name needs no escapes in Turtle."""
    return short.replace(":", "", 1).replace("-", "").replace("_", "").isalnum()
