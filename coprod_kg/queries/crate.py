"""RO-Crate of one answer: all that is needed to read, cite and repeat it.

An RO-Crate 1.2 (https://w3id.org/ro/crate/1.2) in a ZIP file. The same answer gives the same
bytes: nothing in it says when it was taken, the files stand in one order with one date, and they
are not compressed, because compressors differ.
"""

import json
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from typing import Any, Final

from coprod_kg.model.namespaces import LICENCE, LICENCE_NAME
from coprod_kg.queries.citation import AUTHOR, TITLE, Citation
from coprod_kg.queries.library import SavedQuery

__all__ = ["PROFILE", "File", "crate"]

PROFILE: Final = "https://w3id.org/ro/crate/1.2"
_METADATA: Final = "ro-crate-metadata.json"
_DAY: Final = (1980, 1, 1, 0, 0, 0)
_MODE: Final = 0o100644 << 16
_UNIX: Final = 3
_AUTHOR: Final = {"@id": "#contributors"}
_LICENSED: Final = "Of the data and the model, where the graph of an organisation names no other."
_SPARQL: Final = "application/sparql-query"

Entity = dict[str, Any]


@dataclass(frozen=True, slots=True)
class File:
    """One file of a crate.

    Attributes:
        name: what it is called there.
        media_type: what its bytes are.
        title: what it is, for people.
        data: its bytes.
        kind: its type beside ``File``, or none.
    """

    name: str
    media_type: str
    title: str
    data: bytes
    kind: str = ""

    def entity(self) -> Entity:
        """The file as an entity of the crate's metadata."""
        return {
            "@id": self.name,
            "@type": ["File", self.kind] if self.kind else "File",
            "name": self.title,
            "encodingFormat": self.media_type,
            "contentSize": str(len(self.data)),
            "sha256": sha256(self.data).hexdigest(),
            "license": {"@id": LICENCE},
        }


def crate(citation: Citation, query: SavedQuery, bound_text: str, results: Sequence[File]) -> bytes:
    """The crate of one answer.

    Args:
        citation: what the answer is and where it stays; its day of retrieval is left out.
        query: the saved query.
        bound_text: its text with the values in, as it was asked.
        results: the answer as data, and its chart if it has one.
    """
    undated = citation.undated()
    texts = (*_queries(query, bound_text), *_citations(undated))
    files = (*results, *texts)
    graph = [
        _descriptor(),
        _root(undated, query, files),
        *(file.entity() for file in files),
        *_context(undated, query, results),
    ]
    document = {"@context": [f"{PROFILE}/context", _TERMS], "@graph": graph}
    text = json.dumps(document, ensure_ascii=False, indent=1) + "\n"
    return _zip_bytes([(_METADATA, text.encode()), *((file.name, file.data) for file in files)])


_TERMS: Final = {"sha256": "http://schema.org/sha256"}
"""A term that the context of RO-Crate may not have."""


def _descriptor() -> Entity:
    return {
        "@id": _METADATA,
        "@type": "CreativeWork",
        "conformsTo": {"@id": PROFILE},
        "about": {"@id": "./"},
    }


def _root(citation: Citation, query: SavedQuery, files: Sequence[File]) -> Entity:
    parameters = ", ".join(f"{name} = {value}" for name, value in citation.parameters)
    description = f"{query.description} The answer of the saved query {query.name}"
    description += f" with {parameters}" if parameters else " without parameters"
    date_published = {"datePublished": citation.dated.isoformat()} if citation.dated else {}
    caveat = f" {citation.caveat}" if citation.caveat else ""
    return {
        "@id": "./",
        "@type": "Dataset",
        "name": query.summary,
        "description": f"{description}, over version {citation.version} of the data.{caveat}",
        **date_published,
        "license": {"@id": LICENCE},
        "author": _AUTHOR,
        "publisher": _AUTHOR,
        "version": str(citation.version),
        "url": citation.link,
        "cite-as": citation.link,
        "creditText": f"{citation.sentence}.{caveat}",
        "keywords": ", ".join(query.tags),
        "identifier": [{"@id": "#content"}, {"@id": "#query"}],
        "isBasedOn": {"@id": "#data"},
        "mainEntity": {"@id": files[0].name},
        "variableMeasured": [{"@id": f"#column-{column.name}"} for column in query.columns],
        "mentions": {"@id": "#asking"},
        "hasPart": [{"@id": file.name} for file in files],
    }


def _queries(query: SavedQuery, bound_text: str) -> Iterator[File]:
    kind = "SoftwareSourceCode"
    name, data = f"{query.name}.rq", query.text.encode()
    yield File(name, _SPARQL, "The saved query, with its parameters open", data, kind)
    name, data = f"{query.name}.bound.rq", bound_text.encode()
    yield File(name, _SPARQL, "The query as it was asked", data, kind)


def _citations(citation: Citation) -> Iterator[File]:
    yield File("CITATION.txt", "text/plain", "The citation", citation.text().encode())
    bib, csl = citation.bibtex().encode(), citation.csl_text().encode()
    yield File("CITATION.bib", "application/x-bibtex", "The citation as BibTeX", bib)
    media_type = "application/vnd.citationstyles.csl+json"
    yield File("CITATION.csl.json", media_type, "The citation as CSL-JSON", csl)


def _context(citation: Citation, query: SavedQuery, results: Sequence[File]) -> Iterator[Entity]:
    """The contextual entities: publisher, licence, dataset, parameter values."""
    licence = {"name": LICENCE_NAME, "url": LICENCE, "description": _LICENSED}
    yield {"@id": LICENCE, "@type": "CreativeWork", **licence}
    yield {"@id": "#contributors", "@type": "Organization", "name": AUTHOR}
    data: Entity = {"@id": "#data", "@type": "CreativeWork", "name": TITLE}
    data["version"] = str(citation.version)
    yield data | ({"datePublished": citation.dated.isoformat()} if citation.dated else {})
    rows = {} if citation.rows is None else {"description": f"rows: {citation.rows}"}
    yield _hash_entity("#content", "SHA-256 of what the answer says", citation.sha256) | rows
    yield _hash_entity("#query", "SHA-256 of the saved query's text", citation.query_sha256)
    descriptions = {parameter.name: parameter.description for parameter in query.parameters}
    parameters = []
    for number, (name, value) in enumerate(citation.parameters, start=1):
        parameters.append({"@id": f"#parameter-{number}"})
        description = {"description": descriptions[name]} if name in descriptions else {}
        yield (
            parameters[-1] | {"@type": "PropertyValue", "name": name, "value": value} | description
        )
    yield {
        "@id": "#asking",
        "@type": "CreateAction",
        "name": f"Asking {query.name} over version {citation.version}",
        "instrument": {"@id": f"{query.name}.rq"},
        "object": [{"@id": "#data"}, *parameters],
        "result": [{"@id": file.name} for file in results],
    }
    for column in query.columns:
        entity = {"name": column.name, "description": column.description}
        unit = {"unitText": column.unit} if column.unit else {}
        yield {"@id": f"#column-{column.name}", "@type": "PropertyValue", **entity, **unit}


def _hash_entity(identifier: str, title: str, digest: str) -> Entity:
    entity = {"name": title, "propertyID": "SHA-256", "value": digest}
    return {"@id": identifier, "@type": "PropertyValue", **entity}


def _zip_bytes(files: Sequence[tuple[str, bytes]]) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as target:
        for name, data in files:
            info = zipfile.ZipInfo(name, _DAY)
            info.external_attr, info.create_system = _MODE, _UNIX
            target.writestr(info, data)
    return buffer.getvalue()
