"""Routes of the OpenAPI document, its page, and the guides of ``docs`` and ``examples``."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, current_app, render_template, request

from coprod_kg.errors import NotFound
from coprod_kg.formats.media_types import HTML
from coprod_kg.model.files import files
from coprod_kg.web.address import root
from coprod_kg.web.markdown import html, title
from coprod_kg.web.openapi import openapi, operations
from coprod_kg.web.site import Site

__all__ = ["blueprint"]

_KEPT = "public, max-age=300"
_FIRST = ("submitter", "analyst", "portal", "operator", "operations", "commands")
"""The pages of ``docs`` that come first in a list of them."""
_MOST_VALUES = 16
"""So many permitted values are written out; more are behind a link to their scheme."""


@dataclass(frozen=True, slots=True)
class DisplayedParameter:
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
class DisplayedOperation:
    """An operation as the page shows it."""

    anchor: str
    method: str
    path: str
    page: str
    summary: str
    description: str
    parameters: tuple[DisplayedParameter, ...]
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
    routes.add_url_rule("/docs/<name>", endpoint="guide", view_func=_guide)
    routes.add_url_rule("/docs/deploy/<name>", endpoint="deploy", view_func=_deploy)
    return routes


def _guide(name: str) -> Response:
    """One of the pages of the folders ``docs`` and ``examples``."""
    text = _found(_pages(), name).read_text(encoding="utf-8")
    page = render_template(
        "guide.html", title=title(text), text=html(text, _link), guides=_guides()
    )
    return _sent(Response(page, content_type=HTML.content_type))


def _deploy(name: str) -> Response:
    """One of the files that operators are handed."""
    found = {file.name: file for file in files("deploy").iterdir() if file.is_file()}
    text = _found(found, name).read_text(encoding="utf-8")
    return _sent(Response(text, content_type="text/plain; charset=utf-8"))


def _found(pages: Mapping[str, Path], name: str) -> Path:
    """The file of that name among those that are served.

    Raises:
        NotFound: there is none of that name.
    """
    if name not in pages:
        raise NotFound(f"there is no page {name[:100]!r}", fix="The pages are listed at /docs.")
    return pages[name]


@cache
def _pages() -> Mapping[str, Path]:
    """The file of each page by its name; the README of ``examples`` is named for its folder."""
    example = {path.stem: path for path in files("examples").glob("*.md")}
    example["examples"] = example.pop("README")
    return example | {path.stem: path for path in files("docs").glob("*.md")}


@cache
def _guides() -> tuple[tuple[str, str], ...]:
    """The name and the title of each page, those that most people look for first."""
    found = {name: title(path.read_text(encoding="utf-8")) for name, path in _pages().items()}
    names = sorted(found, key=lambda name: (_FIRST.index(name) if name in _FIRST else 99, name))
    return tuple((name, found[name]) for name in names)


def _link(href: str) -> str | None:
    """Where a link between files of the project leads here."""
    name, mark, place = href.partition("#")
    if not name or ":" in name:
        return href
    folder, _, file = name.rpartition("/")
    page = "examples" if file == "README.md" else file.removesuffix(".md")
    if folder in ("", "../docs", "../examples") and file.endswith(".md") and page in _pages():
        return f"/docs/{page}{mark}{place}"
    there = folder == "../deploy" and (files("deploy") / file).is_file()
    return f"/docs/deploy/{file}" if there else None


def _json(text: str) -> Response:
    return _sent(Response(text, content_type="application/json"))


def _docs(document: Mapping[str, Any]) -> Response:
    groups: dict[str, list[DisplayedOperation]] = {tag["name"]: [] for tag in document["tags"]}
    for path, method, operation in operations(document):
        groups[operation["tags"][0]].append(_shown(path, method, operation, document))
    first = sorted(groups, key=lambda tag: tag not in ("Questions", "SPARQL"))
    shown = {tag: groups[tag] for tag in first}
    text = render_template("docs.html", groups=shown, root=_root(), guides=_guides())
    return _sent(Response(text, content_type=HTML.content_type))


def _sent(response: Response) -> Response:
    response.headers["Cache-Control"] = _KEPT
    response.set_etag(sha256(response.get_data()).hexdigest()[:32], weak=True)
    response.make_conditional(request)
    return response


def _root() -> str:
    return root().rstrip("/")


def _shown(
    path: str, method: str, operation: Mapping[str, Any], document: Mapping[str, Any]
) -> DisplayedOperation:
    answers = [
        name
        for status, response in operation["responses"].items()
        if status.startswith("2")
        for name in response.get("content", {})
    ]
    plain = "{" not in path
    return DisplayedOperation(
        anchor=operation["operationId"],
        method=method.upper(),
        path=path,
        page=path if plain and method == "get" else "",
        summary=operation["summary"],
        description=operation["description"].partition("\n\nColumns:")[0],
        parameters=tuple(_taken(taken, document) for taken in operation["parameters"]),
        example=_example(path, method, operation),
        formats=tuple(dict.fromkeys(answers)),
        bodies=tuple(operation.get("requestBody", {}).get("content", ())),
        statuses=tuple(operation["responses"]),
    )


def _taken(parameter: Mapping[str, Any], document: Mapping[str, Any]) -> DisplayedParameter:
    schema: Mapping[str, Any] = parameter["schema"]
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
    return DisplayedParameter(
        name=parameter["name"],
        where=parameter["in"],
        required=parameter.get("required", False),
        description=parameter["description"],
        kind=f"{kind}, repeatable" if several else kind,
        values=values if len(values) <= _MOST_VALUES else (),
        scheme=scheme,
        default=", ".join(str(value) for value in shown or ()),
    )


def _example(path: str, method: str, operation: Mapping[str, Any]) -> str:
    """A line for a terminal that asks it."""
    pairs: list[tuple[str, str]] = []
    for taken in operation["parameters"]:
        if taken["in"] == "path":
            values = taken["schema"].get("enum", ["NAME"])
            path = path.replace(f"{{{taken['name']}}}", values[0])
        elif "example" in taken:
            example = taken["example"]
            several = example if isinstance(example, list) else [example]
            pairs += [(taken["name"], _written(value)) for value in several]
    asked = f"?{urlencode(pairs)}" if pairs and method != "post" else ""
    flags = "" if method == "get" else f" -X {method.upper()} -H 'Authorization: Bearer TOKEN'"
    bodies = list(operation.get("requestBody", {}).get("content", ()))
    if "multipart/form-data" in bodies:
        flags += " -F file=@FILE"
    elif bodies:
        flags += f" -H 'Content-Type: {bodies[-1]}' --data-binary @FILE"
    return f"curl{flags} '{_root()}{path}{asked}'"


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
