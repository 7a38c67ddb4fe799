"""The interface told to programs and to people, from one document; it runs no query."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, current_app, render_template, request

from coprod_kg.results.formats import HTML
from coprod_kg.web.address import root
from coprod_kg.web.openapi import openapi, operations
from coprod_kg.web.site import Site

__all__ = ["blueprint"]

_KEPT = "public, max-age=300"
_MOST_VALUES = 16
"""So many permitted values are written out; more are behind a link to their scheme."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A parameter as the page shows it."""

    name: str
    where: str
    required: bool
    description: str
    kind: str
    values: tuple[str, ...]
    scheme: str
    default: str


@dataclass(frozen=True, slots=True)
class Shown:
    """An operation as the page shows it."""

    anchor: str
    method: str
    path: str
    page: str
    summary: str
    description: str
    parameters: tuple[Taken, ...]
    example: str
    formats: tuple[str, ...]
    bodies: tuple[str, ...]
    statuses: tuple[str, ...]


def blueprint(site: Site) -> Blueprint:
    """The routes of the document and of the page that shows it."""
    routes = Blueprint("documentation", __name__)
    kept = lru_cache(maxsize=1)  # until a question is submitted or removed
    made = kept(lambda _: openapi(current_app.url_map, site))
    text = kept(lambda mark: json.dumps(made(mark), ensure_ascii=False, indent=1) + "\n")
    mark = site.queries.mark
    routes.add_url_rule("/openapi.json", endpoint="openapi", view_func=lambda: _json(text(mark())))
    routes.add_url_rule("/docs", endpoint="docs", view_func=lambda: _docs(made(mark())))
    return routes


def _json(text: str) -> Response:
    return _sent(Response(text, content_type="application/json"))


def _docs(document: Mapping[str, Any]) -> Response:
    groups: dict[str, list[Shown]] = {tag["name"]: [] for tag in document["tags"]}
    for path, method, operation in operations(document):
        groups[operation["tags"][0]].append(_shown(path, method, operation, document))
    first = sorted(groups, key=lambda tag: tag not in ("Questions", "SPARQL"))
    text = render_template("docs.html", groups={tag: groups[tag] for tag in first}, root=_root())
    return _sent(Response(text, content_type=HTML.content_type))


def _sent(response: Response) -> Response:
    response.headers["Cache-Control"] = _KEPT
    response.set_etag(sha256(response.get_data()).hexdigest()[:32], weak=True)
    response.make_conditional(request)
    return response


def _root() -> str:
    return root().rstrip("/")


def _shown(path: str, method: str, one: Mapping[str, Any], document: Mapping[str, Any]) -> Shown:
    answers = [
        name
        for status, response in one["responses"].items()
        if status.startswith("2")
        for name in response.get("content", {})
    ]
    plain = "{" not in path
    return Shown(
        anchor=one["operationId"],
        method=method.upper(),
        path=path,
        page=path if plain and method == "get" else "",
        summary=one["summary"],
        description=one["description"].partition("\n\nColumns:")[0],
        parameters=tuple(_taken(taken, document) for taken in one["parameters"]),
        example=_example(path, method, one),
        formats=tuple(dict.fromkeys(answers)),
        bodies=tuple(one.get("requestBody", {}).get("content", ())),
        statuses=tuple(one["responses"]),
    )


def _taken(one: Mapping[str, Any], document: Mapping[str, Any]) -> Taken:
    schema: Mapping[str, Any] = one["schema"]
    default = schema.get("default")
    schema = schema.get("allOf", [schema])[0]
    several = schema.get("type") == "array"
    item = schema["items"] if several else schema
    scheme = item.get("$ref", "").rpartition("/")[2].removeprefix("scheme-")
    if "$ref" in item:
        item = document["components"]["schemas"][item["$ref"].rpartition("/")[2]]
    values = tuple(item.get("enum", ()))
    kind = item.get("format") or item["type"]
    shown = default if several or default is None else [default]
    return Taken(
        name=one["name"],
        where=one["in"],
        required=one.get("required", False),
        description=one["description"],
        kind=f"{kind}, repeatable" if several else kind,
        values=values if len(values) <= _MOST_VALUES else (),
        scheme=scheme,
        default=", ".join(str(value) for value in shown or ()),
    )


def _example(path: str, method: str, one: Mapping[str, Any]) -> str:
    """A line for a terminal that asks it."""
    pairs: list[tuple[str, str]] = []
    for taken in one["parameters"]:
        if taken["in"] == "path":
            values = taken["schema"].get("enum", ["NAME"])
            path = path.replace(f"{{{taken['name']}}}", values[0])
        elif "example" in taken:
            example = taken["example"]
            several = example if isinstance(example, list) else [example]
            pairs += [(taken["name"], _written(value)) for value in several]
    asked = f"?{urlencode(pairs)}" if pairs and method != "post" else ""
    flags = "" if method == "get" else f" -X {method.upper()} -H 'Authorization: Bearer TOKEN'"
    bodies = list(one.get("requestBody", {}).get("content", ()))
    if "multipart/form-data" in bodies:
        flags += " -F file=@FILE"
    elif bodies:
        flags += f" -H 'Content-Type: {bodies[-1]}' --data-binary @FILE"
    return f"curl{flags} '{_root()}{path}{asked}'"


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
