"""Metadata inside of a dataset's page: schema.org for search engines, Dublin Core for citing."""

from collections.abc import Iterable
from typing import Any, Final

from coprod_kg.model.namespaces import LICENCE
from coprod_kg.publishing.portal_documents import DatasetView

__all__ = ["dublin_core", "schema_org"]

_SHORTEST: Final = 50
"""Characters that search engines want of a description at least."""
_RELATIONS: Final = {
    "isPartOf": "dcterms:isPartOf",
    "hasPart": "dcterms:hasPart",
    "isBasedOn": "prov:wasDerivedFrom",
}
"""Relation to another resource in schema.org → the same in the catalogue."""


def schema_org(dataset: DatasetView, catalogue: str) -> dict[str, Any]:
    """A dataset in the terms of schema.org, as search engines read it."""
    description = dataset.descriptions.get("en") or next(iter(dataset.descriptions.values()), "")
    title = dataset.titles.get("en") or next(iter(dataset.titles.values()), dataset.iri)
    found: dict[str, Any] = {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "@id": dataset.iri,
        "name": title,
        "description": description if len(description) >= _SHORTEST else f"{title}. {description}",
        "url": dataset.one("dcat:landingPage"),
        "identifier": dataset.iri,
        "license": LICENCE,
        "isAccessibleForFree": True,
        "conditionsOfAccess": dataset.one("dcterms:accessRights"),
        "version": dataset.one("dcat:version"),
        "datePublished": dataset.one("dcterms:issued"),
        "dateModified": dataset.one("dcterms:modified"),
        "keywords": list(dataset.values.get("dcat:keyword", ())),
        "spatialCoverage": [
            {"@type": "Place", "@id": place, "name": name}
            for place, name in zip(
                dataset.values["dcterms:spatial"],
                dataset.values["dcterms:spatial label"],
                strict=True,
            )
        ],
        # of the data: the titles may have more languages
        "inLanguage": list(dataset.values["dcterms:language code"]),
        "includedInDataCatalog": {"@type": "DataCatalog", "@id": catalogue, "url": catalogue},
        "distribution": [
            {
                "@type": "DataDownload",
                "name": file.name,
                "contentUrl": file.address,
                "encodingFormat": file.media_type,
                **({"contentSize": str(file.size)} if file.size is not None else {}),
                **({"sha256": file.sha256} if file.sha256 else {}),
            }
            for file in dataset.files
        ],
    }
    for relation, path in _RELATIONS.items():
        found[relation] = [{"@id": other} for other in dataset.values[path]]
    # who compiled what several sent is who publishes it
    creator = "dcterms:creator" if dataset.values["dcterms:creator"] else "dcterms:publisher"
    found |= {
        "publisher": _agents(dataset, "dcterms:publisher"),
        "creator": _agents(dataset, creator),
    }
    return {name: value for name, value in found.items() if value not in ("", [], None)}


def _agents(dataset: DatasetView, path: str) -> list[dict[str, str]]:
    """The agents to whom a property leads, in the terms of schema.org."""
    columns = (dataset.values[name] for name in (path, f"{path} label", f"{path} homepage"))
    return [
        {"@type": "Organization", "@id": agent, "name": name, **({"url": page} if page else {})}
        for agent, name, page in zip(*columns, strict=True)
    ]


def dublin_core(dataset: DatasetView) -> list[tuple[str, str]]:
    """A dataset in the terms of Dublin Core, as reference managers read it from a page's head."""
    told: dict[str, Iterable[str]] = {
        "title": [dataset.titles.get("en", "")],
        "description": [dataset.descriptions.get("en", "")],
        "identifier": [dataset.iri],
        "type": ["Dataset"],
        "creator": dataset.values["dcterms:creator label"],
        "publisher": dataset.values["dcterms:publisher label"],
        "subject": dataset.values["dcat:keyword"],
        "language": dataset.values["dcterms:language code"],
        "format": sorted({file.media_type for file in dataset.files}),
    }
    same = ("issued", "modified", "license", "accessRights", "isPartOf", "hasPart", "isVersionOf")
    for name in same:
        told[name] = dataset.values[f"dcterms:{name}"]
    return [(name, value) for name, values in told.items() for value in values if value]
