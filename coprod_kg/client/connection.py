"""A connection to a service or a data folder, with its saved queries as callables."""

import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from coprod_kg.client.remote import Remote
from coprod_kg.client.result import Result, html_table, result
from coprod_kg.client.sources import AnswerSource, Folder, Values, open_store
from coprod_kg.errors import WrongUsage
from coprod_kg.queries.library import load_all
from coprod_kg.queries.parameters import did_you_mean
from coprod_kg.queries.submitted.graph import Collection
from coprod_kg.settings import Settings

__all__ = ["CallableQuestion", "CallableQuestions", "Connection", "connect"]


def connect(url_or_folder: str | Path, version: int | None = None) -> "Connection":
    """Open a running service or a data folder for asking.

    Args:
        url_or_folder: ``http://…`` of a service, or the data folder of a store.
        version: ask this version of the data; each answer's newest by default.

    Raises:
        WrongUsage: there is no such folder.
        StoreUnavailable: the service does not answer, or the store cannot be opened.
    """
    location = str(url_or_folder)
    if location.startswith(("http://", "https://")):
        source = Remote(location, Settings.load({}).query_seconds, "connect")
        return Connection(source, version, location)
    if not Path(location).is_dir():
        raise WrongUsage(
            f"there is no folder {location}",
            fix="Give the address of a service, or the folder that serve --data made.",
        )
    with ExitStack() as stack:
        settings = Settings.load({"data": location})
        store = stack.enter_context(open_store(settings))
        saved_queries = {**Collection(store, settings).visible(), **load_all(settings.queries)}
        folder = Folder(settings, saved_queries, store)
        return Connection(folder, version, location, stack.pop_all())


class CallableQuestion:
    """A saved query, to be called with its parameters by name."""

    def __init__(self, entry: Mapping[str, Any], ask: Callable[[str, Values], Result]) -> None:
        """Make the callable from the catalogue's entry for the query."""
        self.name: str = entry["name"]
        self.summary: str = entry["summary"]
        self.tags: tuple[str, ...] = tuple(entry["tags"])
        self._ask = ask
        self._parameters = [parameter["name"] for parameter in entry["parameters"]]
        # `help()` and completion in a notebook read these three.
        self.__name__ = _attribute(self.name)
        self.__doc__ = _doc(entry)
        self.__signature__ = inspect.Signature(
            [
                inspect.Parameter(
                    parameter["name"], inspect.Parameter.KEYWORD_ONLY, default=parameter["default"]
                )
                for parameter in entry["parameters"]
                if parameter["name"].isidentifier()
            ],
            return_annotation=Result,
        )

    def __call__(self, *unnamed: object, **values: object) -> Result:
        """Ask it.

        Args:
            unnamed: values whose parameter is not named, which are refused.
            values: parameter → its value or values.

        Raises:
            WrongUsage: lists every parameter that does not fit, with what is permitted.
        """
        if unnamed:
            first = next(iter(self._parameters), "")
            written = f"{first}={unnamed[0]!r}" if first else ""
            raise WrongUsage(
                "each value needs the name of its parameter",
                where=f"query {self.name}",
                fix=f"Write {self.__name__}({written}). "
                f"Permitted: {', '.join(self._parameters) or 'none at all'}.",
            )
        for name in values:
            if name not in self._parameters:
                near = did_you_mean(name, dict.fromkeys(self._parameters))
                raise WrongUsage(
                    f"there is no parameter {name!r}{near}",
                    where=f"query {self.name}",
                    fix=f"Permitted: {', '.join(self._parameters) or 'none at all'}.",
                )
        texts = {name: _texts(value) for name, value in values.items() if value is not None}
        return self._ask(self.name, texts)

    def __repr__(self) -> str:
        return f"<{self.name}: {self.summary}>"


class CallableQuestions(Mapping[str, CallableQuestion]):
    """The saved queries by name; a notebook shows them as a table."""

    def __init__(self, questions: Mapping[str, CallableQuestion]) -> None:
        """Hold them in their order."""
        self._questions = questions

    def __getitem__(self, name: str) -> CallableQuestion:
        return self._questions[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._questions)

    def __len__(self) -> int:
        return len(self._questions)

    def _repr_html_(self) -> str:
        rows = [
            [_attribute(query.name), query.summary, ", ".join(query.tags)]
            for query in self.values()
        ]
        return html_table(("query", "question", "tags"), rows)


class Connection:
    """The connection to a source, each saved query an attribute: ``kg.initiatives_at_stage()``."""

    def __init__(
        self,
        source: AnswerSource,
        version: int | None,
        location: str,
        exit_stack: ExitStack | None = None,
    ):
        """Read the catalogue of the source at a location, an address or a path."""
        self._source = source
        self._location = location
        self._closing = exit_stack or ExitStack()
        self.version = version
        self._catalogue = {entry["name"]: entry for entry in source.queries()}
        self.queries = CallableQuestions(
            {name: CallableQuestion(entry, self._query) for name, entry in self._catalogue.items()}
        )
        self._attributes = {_attribute(name): query for name, query in self.queries.items()}

    def __getattr__(self, name: str) -> CallableQuestion:
        # Not `self._attributes`: `copy` asks before `__init__` has set it, which would recurse.
        questions = self.__dict__.get("_attributes", {})
        if name in questions:
            question: CallableQuestion = questions[name]
            return question
        near = "" if name.startswith("_") else did_you_mean(name, questions)
        raise AttributeError(f"there is no saved query {name!r}{near}")

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._attributes})

    def __repr__(self) -> str:
        pinned = "" if self.version is None else f", version {self.version}"
        return (
            f"<{self._location}{pinned}: {len(self.queries)} saved queries, "
            "each a function of this object; .queries lists them>"
        )

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the store; after this nothing can be asked."""
        self._closing.close()

    def sparql(self, text: str) -> Result:
        """Ask any SPARQL query.

        Raises:
            CoprodError: the query is wrong or was refused; says where.
        """
        ask = partial(self._source.sparql, text)
        return result(ask, self.version, None, {})

    def assess(self, name: str, language: str = "en") -> dict[str, Any]:
        """Where an initiative or an organisation stands and why, as ``assess --json`` says it.

        Args:
            name: the last part of an initiative's IRI, or ``organisation/`` and that of one.
            language: of its sentences: ``en``, ``da`` or ``de``.

        Raises:
            NotFound: nothing that can be assessed has that name.
        """
        assessment: dict[str, Any] = json.loads(self._source.assessment(name, "json", language))
        return assessment

    def _query(self, name: str, values: Values) -> Result:
        entry = self._catalogue[name]
        ask = partial(self._source.query, name, values)
        cite = partial(self._source.cited, name, values)
        headings = {column["name"]: column["label"] for column in entry["columns"]}
        return result(ask, self.version, cite, headings)


def _attribute(name: str) -> str:
    return name.replace("-", "_")


def _texts(value: object) -> list[str]:
    values = value if isinstance(value, list | tuple | set | frozenset) else [value]
    return [_text(text) for text in values]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, date) else str(value)


def _doc(entry: Mapping[str, Any]) -> str:
    """A docstring from a query's entry in the catalogue."""
    lines = [entry["summary"], "", entry["description"]]
    if entry["parameters"]:
        lines += ["", "Args:"]
    for parameter in entry["parameters"]:
        takes = " ".join(word for word in (parameter["type"], parameter["scope"]) if word)
        lines.append(f"    {parameter['name']} ({takes}): {parameter['description']}")
    lines += ["", "Columns:"]
    for column in entry["columns"]:
        unit = f" [{column['unit']}]" if column.get("unit") else ""
        lines.append(f"    {column['name']}{unit}: {column['description']}")
    return "\n".join(lines)
