"""The OpenAPI 3.1 document of the whole HTTP interface, made from the application's routes.

Addresses and methods come from the application, saved queries from the catalogue, problems from
the hierarchy of errors. What is left, a sentence and the formats of each route, is in
``operations.toml``.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

from werkzeug.routing import Map, Rule

from coprod_kg import __version__
from coprod_kg.formats.media_types import CHARTS, GRAPHS, HTML, ROWS, Format
from coprod_kg.model.namespaces import LICENCE, LICENCE_NAME
from coprod_kg.model.schemes import schemes
from coprod_kg.publishing.api import content, problem_responses, query_operation, schemas
from coprod_kg.queries.derived import formats_of
from coprod_kg.queries.library import SavedQuery
from coprod_kg.queries.parameters import KINDS
from coprod_kg.web.explorer.page import LANGUAGES
from coprod_kg.web.site import Site

__all__ = ["QUERY", "described", "openapi", "operations"]

QUERY: Final = "queries.one"
"""The route that is told query by query."""

_CONVERTER: Final = re.compile(r"<(?:\w+:)?(\w+)>")
_REPORT: Final = (
    "application/json",
    "text/turtle",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "text/plain",
    "text/html",
)
_FAMILIES: Final[Mapping[str, tuple[Format, ...]]] = {
    "rows": ROWS,
    "graphs": GRAPHS,
    "page": (HTML,),
}
_QUERY_ERRORS: Final = (400, 401, 404, 406, 410, 429, 503)
_NEW: Final = {"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "maxLength": 80}
"""The name of a question that is submitted."""
_TEXT: Final = """Questions saved by name, an open SPARQL endpoint, the data as linked data,
and a place to send data to. Everything is read without a token, unless the operator closes it.
Every answer may be asked as another media type by `Accept` or `?format=`; an error is a problem
document (RFC 9457) that says what was wrong, where, and what to do about it."""


def openapi(routes: Map, site: Site) -> dict[str, Any]:
    """The document of an application's routes, with the saved queries of its site."""
    paths: dict[str, dict[str, Any]] = {}
    for rule in sorted(routes.iter_rules(), key=lambda one: one.rule):
        if rule.endpoint == QUERY:
            for name, query in sorted(site.queries.items()):
                paths[f"/queries/{name}"] = {"get": _saved(query, site.settings.queries)}
            continue
        item = paths.setdefault(_CONVERTER.sub(r"{\1}", rule.rule), {})
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            item[method.lower()] = _operation(rule, method, site)
    tags = dict.fromkeys(
        operation["tags"][0] for item in paths.values() for operation in item.values()
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Mainstreaming co-production: a knowledge graph",
            "version": __version__,
            "description": _TEXT,
            "license": {
                "name": f"Data and model: {LICENCE_NAME}",
                "url": LICENCE,
            },
        },
        "servers": [{"url": site.settings.root if site.settings.prefix else "/"}],
        "tags": [{"name": tag} for tag in tags],
        "paths": paths,
        "components": {
            "schemas": schemas(schemes()),
            "responses": problem_responses(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and operation, in the order of the document."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def described() -> Mapping[str, Any]:
    """The written descriptions of the routes, by endpoint, and their parameters."""
    path = Path(__file__).with_name("operations.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


_WRITTEN: Final = described()


def _saved(query: SavedQuery, own: Path | None) -> dict[str, Any]:
    formats = (*formats_of(query, own), HTML)
    told = query_operation(query, formats)
    told["parameters"] += [
        _parameter(name, formats)
        for name in ("limit", "offset", "lang", "version", "lineage", "timeout", "format")
        if query.form != "ASK" or name not in ("limit", "offset", "lang")
    ]
    told["responses"] |= {"304": _unchanged()} | _problems(_QUERY_ERRORS)
    told["responses"]["200"]["headers"] = {
        "Dataset-Version": {
            "description": "The version of the dataset that was asked.",
            "schema": {"type": "integer"},
        },
        "Link": {
            "description": "The next, previous, first and last rows, where there are any.",
            "schema": {"type": "string"},
        },
    }
    return {"tags": ["Questions"], **told}


def _operation(rule: Rule, method: str, site: Site) -> dict[str, Any]:
    key = rule.endpoint if method == "GET" else f"{rule.endpoint} {method}"
    key = key if key in _WRITTEN else rule.endpoint
    written = _WRITTEN.get(key, {})
    formats = tuple(form for name in written.get("answers", ()) for form in _FAMILIES.get(name, ()))
    taken = [_parameter(name, formats) for name in written.get("takes", ())]
    told: dict[str, Any] = {
        "tags": [written.get("tag", "Service")],
        "summary": written.get("summary", rule.endpoint),
        "description": written.get("description", ""),
        "operationId": re.sub(r"\W+", "-", f"{method} {rule.rule}").strip("-").lower(),
        "parameters": [*_path_parameters(rule, method, site), *taken],
        "responses": _responses(written),
    }
    if "body" in written:
        told["requestBody"] = {"required": True, "content": _media(written["body"], sent=True)}
    if method != "GET":
        told["security"] = [{"token": []}, {}]
    return told


def _responses(written: Mapping[str, Any]) -> dict[str, Any]:
    responses: dict[str, Any] = _problems(written.get("errors", ()))
    media = _media(written.get("answers", ()))
    for status in written.get("statuses", [200] if media else []):
        known = responses.get(str(status), {})
        if "$ref" in known:
            known = deepcopy(problem_responses()[f"problem-{status}"])
            known["content"] = media | known["content"]
            responses[str(status)] = known
        else:
            responses[str(status)] = {"description": "The answer.", "content": media}
    for status, told in ((201, "Made."), (204, "Done."), (303, "See other.")):
        if status in written.get("also", ()):
            responses[str(status)] = {"description": told}
    if media:
        responses["304"] = _unchanged()
    return dict(sorted(responses.items())) or {"default": {"description": "The answer."}}


def _media(names: Iterable[str], sent: bool = False) -> dict[str, Any]:
    """Media types that a list of families and types names."""
    found: dict[str, Any] = {}
    for name in names:
        if name in _FAMILIES:
            found |= content(_FAMILIES[name], aliases=not sent)
        elif name == "report":
            found |= {media_type: {"schema": _plain(media_type)} for media_type in _REPORT}
        else:
            found[name] = {"schema": _plain(name)}
    return found


def _plain(media_type: str) -> dict[str, Any]:
    """The schema of a body that is told by its media type alone."""
    if media_type == CHARTS[2].media_type:
        return {"type": "object"}
    # A list where that is all there is to say, and JSON-LD may be one too.
    if media_type == "application/json" or media_type.endswith("+json"):
        return {"type": ["object", "array"]}
    file = {"type": "string", "contentMediaType": "application/octet-stream"}
    fields: dict[str, dict[str, Any]] = {
        "multipart/form-data": {"file": file},
        "application/x-www-form-urlencoded": {
            "query": {"type": "string"},
            "update": {"type": "string"},
        },
    }
    if media_type not in fields:
        return {"type": "string"}
    return {"type": "object", "properties": fields[media_type]}


def _parameter(name: str, formats: Iterable[Format]) -> dict[str, Any]:
    """One of the parameters that are written once for all routes."""
    told = {"name": name, "in": "query", **deepcopy(_WRITTEN["parameters"][name])}
    names = [form.name for form in formats]
    if name == "format" and names:
        told["schema"]["enum"] = list(dict.fromkeys(names))
    if told["schema"]["type"] == "array":
        told |= {"style": "form", "explode": True}
    return told


def _path_parameters(rule: Rule, method: str, site: Site) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": f"The {name} in the address.",
            "schema": _NEW if method in ("PUT", "DELETE") else _part(rule, name, site),
        }
        for name in _CONVERTER.findall(rule.rule)
    ]


def _part(rule: Rule, name: str, site: Site) -> dict[str, Any]:
    if name == "language":
        return {"type": "string", "enum": list(LANGUAGES[1:])}
    if name == "suffix":
        return {"type": "string", "enum": [form.name for form in (*GRAPHS, HTML)]}
    if name == "name" and rule.rule.startswith("/queries/"):
        return {"type": "string", "enum": sorted(site.queries)}
    if "/vocab" in rule.rule and name == ("kind" if "<kind>" in rule.rule else "name"):
        return {"type": "string", "enum": sorted(schemes())}
    if name == "kind":
        return {"type": "string", "enum": [kind for kind in KINDS if kind != "thing"]}
    return {"type": "string", "minLength": 1}


def _problems(statuses: Iterable[int]) -> dict[str, Any]:
    return {
        str(status): {"$ref": f"#/components/responses/problem-{status}"} for status in statuses
    }


def _unchanged() -> dict[str, Any]:
    return {"description": "The client has it already (If-None-Match)."}
