"""OpenAPI 3.1 descriptions of saved queries and errors."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from coprod_kg import errors
from coprod_kg.errors import CoprodError
from coprod_kg.formats.media_types import Format
from coprod_kg.model.schemes import Scheme, schemes
from coprod_kg.queries.library import SavedQuery
from coprod_kg.queries.parameters import Parameter

__all__ = [
    "content",
    "problem_responses",
    "query_operation",
    "query_parameter",
    "schemas",
]

_SLUG: Final = "^[a-z0-9]+(-[a-z0-9]+)*$"
_KNOWN: Final = {
    "initiative": "ryhov-self-care",
    "organisation": "region-jonkoping-county",
    "thing": "initiative/ryhov-self-care",
}
"""Things of the published cases, for examples."""

_PROBLEM: Final = {
    "type": "object",
    "description": "A problem document (RFC 9457).",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "The kind of problem."},
        "title": {"type": "string", "description": "The kind of problem in a few words."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "detail": {"type": "string", "description": "What was wrong."},
        "where": {"type": "string", "description": "Where: line and column, row, parameter."},
        "fix": {"type": "string", "description": "What to do about it."},
    },
}
_CELL: Final = {
    "type": "object",
    "required": ["type", "value"],
    "properties": {
        "type": {"enum": ["uri", "literal", "bnode", "triple"]},
        "value": {},
        "datatype": {"type": "string"},
        "xml:lang": {"type": "string"},
    },
}
_ROWS: Final = {
    "type": "object",
    "description": "SPARQL 1.1 Query Results JSON.",
    "required": ["head"],
    "properties": {
        "head": {
            "type": "object",
            "properties": {
                "vars": {"type": "array", "items": {"type": "string"}},
                "link": {
                    "type": "array",
                    "description": "Of a saved query: where its answer is cited.",
                    "items": {"type": "string", "format": "uri"},
                },
            },
        },
        "boolean": {"type": "boolean"},
        "results": {
            "type": "object",
            "required": ["bindings"],
            "properties": {
                "bindings": {
                    "type": "array",
                    "items": {"type": "object", "additionalProperties": _CELL},
                }
            },
        },
    },
}


def schemas(vocabulary: Mapping[str, Scheme]) -> dict[str, Any]:
    """The shared schemas: the concept schemes, a problem, a table of rows."""
    found: dict[str, Any] = {"problem": _PROBLEM, "rows": _ROWS}
    for name, scheme in vocabulary.items():
        labels = (f"{slug}: {concept.label()}" for slug, concept in scheme.concepts.items())
        found[f"scheme-{name}"] = {
            "type": "string",
            "description": f"A concept of the scheme {name}. " + "; ".join(labels) + ".",
            "enum": list(scheme.concepts),
        }
    return found


def query_operation(query: SavedQuery, formats: Iterable[Format]) -> dict[str, Any]:
    """The operation of a saved query, without the service's own parameters."""
    columns = "\n".join(f"- `{column.name}`: {column.description}" for column in query.columns)
    told = query.description + (f"\n\nColumns:\n\n{columns}" if columns else "")
    return {
        "summary": query.summary,
        "description": told,
        "operationId": f"query-{query.name}",
        "parameters": [query_parameter(parameter) for parameter in query.parameters],
        "responses": {"200": {"description": "The answer.", "content": content(formats)}},
        "x-tags": list(query.tags),
        "x-competency-questions": list(query.answers),
    }


def query_parameter(parameter: Parameter) -> dict[str, Any]:
    """One parameter of a saved query, as OpenAPI types it."""
    item, example = _item(parameter)
    default = None if parameter.default is None else _value(parameter, parameter.default)
    single = parameter.single
    schema: dict[str, Any] = item if single else {"type": "array", "items": item}
    if default is not None:
        whole = {"default": default if single else [default]}
        schema = {"allOf": [schema], **whole} if "$ref" in schema else {**schema, **whole}
    told = {
        "name": parameter.name,
        "in": "query",
        "required": parameter.required,
        "description": f"{parameter.description} Takes {parameter.takes}.",
        "schema": schema,
    }
    if parameter.values_from:
        told["x-values-from"] = f"/queries/{parameter.source[0]}"
    if not single:
        told |= {"style": "form", "explode": True}
    if example is not None:
        told["example"] = example if single else [example]
    return told


def content(formats: Iterable[Format], aliases: bool = True) -> dict[str, Any]:
    """Media type → what it holds.

    Args:
        formats: what can be written, in our order.
        aliases: whether an answer can be called by the other names of rows too.
    """
    found: dict[str, Any] = {}
    for form in formats:
        called = form.aliases if aliases and form.family == "rows" else ()
        for media_type in (form.media_type, *called):
            found[media_type] = {"schema": _body(form)}
    return found


def problem_responses() -> dict[str, Any]:
    """One response for each status in the hierarchy of errors, with its reasons."""
    reasons: dict[int, list[str]] = {405: [], 411: ["The length of the body is needed"]}
    for kind in _kinds(CoprodError):
        reasons.setdefault(kind.status, []).append(kind.title)
    return {
        f"problem-{status}": _problem(status, dict.fromkeys(titles))
        for status, titles in sorted(reasons.items())
        if status >= 400
    }


def _problem(status: int, titles: Iterable[str]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "description": ". ".join(titles) + ".",
        "content": {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/problem"}},
            "text/plain": {"schema": {"type": "string"}},
            "text/html": {"schema": {"type": "string"}},
        },
    }
    if status in (429, 503, 507):
        told["headers"] = {
            "Retry-After": {
                "description": "Seconds after which it is worth trying again.",
                "schema": {"type": "integer"},
            }
        }
    return told


def _kinds(kind: type[CoprodError]) -> Iterator[type[CoprodError]]:
    if kind.__module__ == errors.__name__:
        yield kind
        for subclass in kind.__subclasses__():
            yield from _kinds(subclass)


def _body(form: Format) -> dict[str, Any]:
    if form.family == "rows" and form.name == "json":
        return {"$ref": "#/components/schemas/rows"}
    if form.name == "jsonld":
        return {"type": ["array", "object"]}
    return {"type": "string"}


def _item(parameter: Parameter) -> tuple[dict[str, Any], object]:
    """The schema of one value, and an example where there is one."""
    default = None if parameter.default is None else _value(parameter, parameter.default)
    if parameter.type == "concept":
        example = default or next(iter(parameter.permitted(schemes())), None)
        return {"$ref": f"#/components/schemas/scheme-{parameter.scope}"}, example
    if parameter.type == "iri":
        slug = _SLUG if parameter.scope != "thing" else f"{_SLUG[:-1]}/{_SLUG[1:]}"
        schema = {"anyOf": [{"pattern": slug}, {"format": "iri"}], "type": "string"}
        return schema, default or _KNOWN.get(parameter.scope)
    return {
        "integer": ({"type": "integer", "format": "int64"}, default or 12),
        "date": ({"type": "string", "format": "date"}, default or "2021-03-01"),
        "boolean": ({"type": "boolean"}, True if default is None else default),
        "string": ({"type": "string"}, default),
    }[parameter.type]


def _value(parameter: Parameter, text: str) -> object:
    if parameter.type == "integer":
        return int(text)
    return text == "true" if parameter.type == "boolean" else text
