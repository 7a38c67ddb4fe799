"""The archive of a named version for a repository of research data: dump, tables, queries, model.

Nothing in it depends on when or where it is made: the same version gives the same bytes.
"""

import csv
import io
import json
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import pyoxigraph as ox

from coprod_kg.errors import ModelError
from coprod_kg.model.files import files
from coprod_kg.model.installed import Model
from coprod_kg.model.namespaces import shorten
from coprod_kg.store.snapshots import Reader

__all__ = ["Release", "agreement_tables", "archive"]

_AGREEMENT: Final = ("agreement-on-stages", "agreement-on-the-scale", "agreement-on-barriers")
_DAY: Final = (1980, 1, 1, 0, 0, 0)
_LICENCE: Final = "https://creativecommons.org/licenses/by/4.0/"
_RDF_TYPE: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_TITLE: Final = "coprod-kg data: how co-production of public services is mainstreamed"

Rows = Mapping[str, Mapping[str, Sequence[str]]]
"""Subject → column → values."""


@dataclass(frozen=True, slots=True)
class Release:
    """What is released.

    Attributes:
        name: the name that the version was given.
        version: its number.
        made: when that version was made, as the data say.
        base: the base IRI.
        quads: every public statement with its graph, as N-Quads.
        agreement: how far its claimants agree, by `agreement_tables`.
        queries: the text of each saved query, by name.
    """

    name: str
    version: int
    made: str
    base: str
    quads: bytes
    agreement: Mapping[str, bytes]
    queries: Mapping[str, str]


def agreement_tables(reader: Reader) -> dict[str, bytes]:
    """How far claimants agree in a version: the answers of three saved queries, as CSV.

    Args:
        reader: the version, open; it stays open.
    """
    found: dict[str, bytes] = {}
    for name in _AGREEMENT:
        query = (files("queries") / "questions" / f"{name}.rq").read_text(encoding="utf-8")
        answer = reader.store.query(query)
        if not isinstance(answer, ox.QuerySolutions):
            raise ModelError(f"the saved query {name} is no SELECT")
        rows = io.BytesIO()
        answer.serialize(rows, format=ox.QueryResultsFormat.CSV)
        found[name.removeprefix("agreement-on-")] = rows.getvalue()
    return found


def archive(release: Release) -> bytes:
    """The archive as the bytes of a ZIP file."""
    contents = dict(_contents(release))
    sums = "".join(f"{sha256(contents[name]).hexdigest()}  {name}\n" for name in sorted(contents))
    contents["SHA256SUMS"] = sums.encode()
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target:
        for name in sorted(contents):
            entry = zipfile.ZipInfo(f"coprod-{release.name}/{name}", _DAY)
            entry.external_attr = 0o644 << 16
            target.writestr(entry, contents[name], zipfile.ZIP_DEFLATED)
    return made.getvalue()


def _contents(release: Release) -> Iterable[tuple[str, bytes]]:
    """Every file of the archive but the checksums."""
    ordered = b"".join(sorted(release.quads.splitlines(keepends=True)))
    yield "data.nq", ordered
    tables, used = _tables(ordered, release.base)
    for name, things in tables.items():
        yield f"tables/{name}.csv", _table(things)
    yield "tables/columns.csv", _dictionary(tables, used)
    for name, rows in release.agreement.items():
        yield f"agreement/{name}.csv", rows
    for name, text in release.queries.items():
        yield f"queries/{name}.rq", text.encode()
    ontology = files("ontology")
    for path in sorted(ontology.rglob("*")):
        if path.suffix in (".ttl", ".tsv"):
            yield f"ontology/{path.relative_to(ontology)}", path.read_bytes()
    for page in ("codebook.md", "sampling-frame.md"):
        yield page, (files("examples") / page).read_bytes()
    yield "examples.md", (files("examples") / "README.md").read_bytes()
    graph = Model.installed().graph
    version = graph.text(graph.instances("owl:Ontology")[0], "owl:versionInfo")
    yield "README.md", _readme(release, version, sorted(tables)).encode()
    yield "datacite.json", _datacite(release).encode()
    yield "CITATION.cff", _citation(release).encode()


def _tables(quads: bytes, base: str) -> tuple[dict[str, Rows], dict[str, str]]:
    """What organisations submitted, one table for each class; and the IRI behind each name."""
    kinds: dict[str, set[str]] = defaultdict(set)
    told: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    used: dict[str, str] = {}
    for quad in ox.parse(quads, ox.RdfFormat.N_QUADS):
        graph, subject = _text(quad.graph_name), _text(quad.subject)
        if not graph.startswith(f"{base}graph/organisation/"):
            continue
        predicate, value = quad.predicate.value, _text(quad.object)
        if predicate == _RDF_TYPE:
            kinds[_name(value, used)].add(subject)
        else:
            told[subject][_name(predicate, used)].add(value)
    return {
        kind: {
            subject: {column: sorted(values) for column, values in told[subject].items()}
            for subject in sorted(subjects)
        }
        for kind, subjects in sorted(kinds.items())
    }, used


def _name(iri: str, used: dict[str, str]) -> str:
    """The local name of a class or property; with its prefix where another has that name."""
    local = re.split(r"[#/]", iri)[-1]
    name = local if used.get(local, iri) == iri else shorten(iri)
    used[name] = iri
    return name


def _text(term: object) -> str:
    """The value of a term; a graph without a name has none."""
    return str(getattr(term, "value", ""))


def _columns(rows: Rows) -> list[str]:
    return sorted({column for values in rows.values() for column in values})


def _table(rows: Rows) -> bytes:
    """One kind as CSV; several values of a cell are divided by a bar."""
    columns = _columns(rows)
    return _csv(
        ["iri", *columns],
        ([subject, *("|".join(told.get(column, ())) for column in columns)]
         for subject, told in rows.items()),
    )  # fmt: skip


def _dictionary(tables: Mapping[str, Rows], used: Mapping[str, str]) -> bytes:
    """What each column of each table means, in the words of the ontology."""
    graph = Model.installed().graph
    return _csv(
        ["table", "column", "property", "meaning"],
        ([name, column, used[column],
          graph.text(ox.NamedNode(used[column]), "skos:definition")]
         for name, rows in tables.items() for column in _columns(rows)),
    )  # fmt: skip


def _csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()


def _readme(release: Release, ontology: str, tables: Sequence[str]) -> str:
    named = "\n".join(f"| `tables/{name}.csv` | one row for each {name} |" for name in tables)
    return f"""# {_TITLE}, {release.name}

Version {release.version} of the data at <{release.base}>, made at {release.made}, by version
{ontology} of the ontology. The two are counted apart. Licence: [CC BY 4.0]({_LICENCE}).

Every claim says who makes it, on what basis and with which evidence. Claims of the basis
*secondary coding* were coded by this project from public sources; no organisation and no expert has
confirmed them. They are no sample of the world: see `sampling-frame.md` and `codebook.md`.

| file | what |
|---|---|
| `data.nq` | every public statement with its graph, as N-Quads, in order |
{named}
| `tables/columns.csv` | what each column means and which property it is |
| `queries/` | the saved queries, each with what it asks, its parameters and columns |
| `ontology/` | the ontology, its vocabularies and its mappings |
| `agreement/` | how far each two claimants agree: Cohen's kappa, Krippendorff's alpha |
| `codebook.md`, `sampling-frame.md`, `examples.md` | how the published cases were found and coded |
| `datacite.json`, `CITATION.cff` | metadata; the authors are for the project to fill in |
| `SHA256SUMS` | checksums of all other files |

In a table, several values of one cell are divided by `|`. A claimant who adjudicates
claims something only where others differ, so agreement with it means nothing.

## How to make a number again

Each file in `queries/` is plain SPARQL, to be asked of `data.nq` with all its graphs taken together
as one. Any engine can do that; for example Python with pyoxigraph (`pip install pyoxigraph`), in
this folder:

```python
import pyoxigraph

store = pyoxigraph.Store()
store.load(path="data.nq")
with open("queries/initiatives-by-stage.rq", encoding="utf-8") as file:
    rows = store.query(file.read(), use_default_graph_as_union=True)
print(rows.serialize(format=pyoxigraph.QueryResultsFormat.CSV).decode())
```

To ask for one value of a parameter, write it in place of `UNDEF` in the line of that parameter:
`VALUES ?stage {{ <https://w3id.org/coprod/vocab/stage/pilot> }}`.
"""


def _datacite(release: Release) -> str:
    """Metadata after the DataCite schema; `:unav` is its word for what is not given yet."""
    described = {
        "types": {"resourceTypeGeneral": "Dataset", "resourceType": "Knowledge graph"},
        "titles": [{"title": f"{_TITLE}, {release.name}"}],
        "creators": [{"name": ":unav"}],
        "publisher": {"name": ":unav"},
        "publicationYear": release.made[:4],
        "dates": [{"date": release.made, "dateType": "Created"}],
        "version": f"{release.version}",
        "language": "en",
        "rightsList": [{"rights": "CC BY 4.0", "rightsUri": _LICENCE}],
        "subjects": [
            {"subject": subject}
            for subject in ("co-production", "public services", "knowledge graph")
        ],
        "relatedIdentifiers": [
            {
                "relatedIdentifier": f"{release.base}ontology",
                "relatedIdentifierType": "URL",
                "relationType": "IsDocumentedBy",
                "resourceTypeGeneral": "Model",
            }
        ],
        "schemaVersion": "http://datacite.org/schema/kernel-4",
    }
    return json.dumps(described, indent=2, ensure_ascii=False) + "\n"


def _citation(release: Release) -> str:
    return f"""cff-version: 1.2.0
message: "If you use these data, please cite them."
type: dataset
title: "{_TITLE}, {release.name}"
version: "{release.version}"
date-released: {release.made[:10]}
authors:
  - name: "coprod-kg contributors"
license: CC-BY-4.0
url: "{release.base}"
"""
