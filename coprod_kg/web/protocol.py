"""Reader of HTTP requests of the SPARQL 1.1 Protocol."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from flask import Request

from coprod_kg.errors import Unreadable, UnsupportedMedia, WrongUsage
from coprod_kg.model.terms import parse_iri
from coprod_kg.settings import Settings

__all__ = [
    "FORM",
    "QUERY",
    "Parameters",
    "SparqlRequest",
    "check_plain",
    "iris",
    "is_iri",
    "parameters",
    "read",
    "read_address",
    "read_form",
    "seconds",
    "version",
]

FORM: Final = "application/x-www-form-urlencoded"
QUERY: Final = "application/sparql-query"
UPDATE: Final = "application/sparql-update"
_MOST_PARAMETERS: Final = 10_000
_ADDRESS: Final = "the query string of the address"
_IRI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20<>\"{}|^`\\]*")


@dataclass(frozen=True, slots=True)
class Parameters:
    """Names and values in the order they came, percent-decoded once."""

    pairs: tuple[tuple[str, str], ...]

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a parameter."""
        return tuple([value for key, value in self.pairs if key == name])

    def one(self, name: str) -> str | None:
        """The value of a parameter that may stand there once, or None.

        Raises:
            WrongUsage: it is there more than once.
        """
        found = self.all(name)
        if len(found) > 1:
            raise WrongUsage(
                f"{name} is given {len(found)} times",
                where=f"parameter {name}",
                fix="Give it once.",
            )
        return found[0] if found else None

    def grouped(self, leave_out: Iterable[str] = ()) -> dict[str, list[str]]:
        """Name → its values; an empty value (an untouched form field) is none."""
        grouped: dict[str, list[str]] = {}
        for name, value in self.pairs:
            if value != "" and name not in leave_out:
                grouped.setdefault(name, []).append(value)
        return grouped


@dataclass(frozen=True, slots=True)
class SparqlRequest:
    """A request to the SPARQL endpoint.

    Attributes:
        text: the query, or None where the request carries none.
        parameters: everything else it says.
        default_graphs: IRIs of ``default-graph-uri``.
        named_graphs: IRIs of ``named-graph-uri``.
        update: the update, where it is one; then there is no query.
    """

    text: str | None
    parameters: Parameters
    default_graphs: tuple[str, ...]
    named_graphs: tuple[str, ...]
    update: str | None = None


def parameters(request: Request) -> Parameters:
    """The parameters in the address.

    Raises:
        Unreadable: they are not UTF-8.
    """
    return _pairs(request.query_string, _ADDRESS)


def read(request: Request) -> SparqlRequest:
    """Read a GET, HEAD or POST of the query operation or the update operation.

    Raises:
        WrongUsage: not exactly one query or update, or a graph that is no IRI.
        UnsupportedMedia: a POST in another content type than the protocol's three.
        Unreadable: the body is not UTF-8.
    """
    if request.method != "POST":
        return read_address(request.query_string)
    given = parameters(request)
    texts, updates = list(given.all("query")), list[str]()
    _refuse_update_in_address(given)
    kind = _content_type(request)
    sent = request.get_data(cache=False)
    if kind == FORM:
        form = read_form(sent)
        given = Parameters(given.pairs + form.pairs)
        texts += form.all("query")
        updates += form.all("update")
    else:
        (updates if kind == UPDATE else texts).append(_decoded(sent, "the body"))
    if not texts + updates:
        raise _not_one(texts, updates)
    return _asked(given, texts, updates)


def read_address(data: bytes) -> SparqlRequest:
    """Read what a GET or HEAD asks by its query string.

    Raises:
        WrongUsage: more than one query, an update, or a graph that is no IRI.
        Unreadable: it is not UTF-8.
    """
    given = _pairs(data, _ADDRESS)
    _refuse_update_in_address(given)
    return _asked(given, given.all("query"), ())


def read_form(data: bytes) -> Parameters:
    """The fields of a form that was sent as the body.

    Raises:
        Unreadable: it is not UTF-8.
        WrongUsage: there are too many.
    """
    return _pairs(data, "the form")


def _asked(given: Parameters, texts: Sequence[str], updates: Sequence[str]) -> SparqlRequest:
    if len(texts) + len(updates) > 1:
        raise _not_one(texts, updates)
    return SparqlRequest(
        texts[0] if texts else None,
        given,
        iris(given, "default-graph-uri"),
        iris(given, "named-graph-uri"),
        updates[0] if updates else None,
    )


def _not_one(texts: Sequence[str], updates: Sequence[str]) -> WrongUsage:
    return WrongUsage(
        f"the request carries {len(texts) or 'no'} queries and {len(updates) or 'no'} "
        "updates, not one query or one update",
        where="parameter query",
        fix="Send one query: as ?query=, as the form field query, or as the whole body of "
        f"a POST of type {QUERY}. Send one update as the form field update or as {UPDATE}.",
    )


def seconds(given: Parameters, settings: Settings) -> float:
    """The deadline: the server's, or the client's ``timeout=`` where that is shorter.

    Raises:
        WrongUsage: it is not a number of seconds above zero.
    """
    text = given.one("timeout")
    if text is None or text == "":
        return settings.query_seconds
    try:
        wanted = float(text)
    except ValueError:
        wanted = math.nan
    if not wanted > 0:
        raise WrongUsage(
            f"{text[:40]!r} is not a number of seconds above zero",
            where="parameter timeout",
            fix=f"Write for example timeout=5. The server's own limit is "
            f"{settings.query_seconds:g} seconds.",
        )
    return min(wanted, settings.query_seconds)


def version(given: Parameters, name: str = "version") -> int | None:
    """The dataset version asked for, or None for the newest.

    Raises:
        WrongUsage: it is not a whole number.
    """
    text = given.one(name)
    if text is None or text == "":
        return None
    if not re.fullmatch(r"[0-9]{1,12}", text):
        raise WrongUsage(
            f"{text[:40]!r} is not the number of a dataset version",
            where=f"parameter {name}",
            fix=f"Write for example {name}=12, or leave it out for the newest.",
        )
    return int(text)


def is_iri(text: str) -> bool:
    """Whether it can be an absolute IRI in an answer, or the name of a graph."""
    if not _IRI.fullmatch(text):
        return False
    try:
        parse_iri(f"<{text}>", base_iri="")
    except WrongUsage:
        return False
    return True


def _content_type(request: Request) -> str:
    kind = request.mimetype
    if kind not in (FORM, QUERY, UPDATE):
        raise UnsupportedMedia(
            f"a POST of type {kind[:80] or '(none)'} is not read here",
            where="header Content-Type",
            fix=f"Send a form ({FORM}) with a field query or update, or the text alone "
            f"({QUERY} or {UPDATE}).",
        )
    check_plain(request)
    return kind


def check_plain(request: Request) -> None:
    """Refuse a body that is said not to be plain UTF-8.

    Raises:
        UnsupportedMedia: it has another character set, or is compressed.
    """
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if charset not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedMedia(
            f"the body is in {charset[:40]}",
            where="header Content-Type",
            fix="Send it in UTF-8.",
        )
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMedia(
            "a compressed body is not read here",
            where="header Content-Encoding",
            fix="Send it uncompressed.",
        )


def _refuse_update_in_address(given: Parameters) -> None:
    if given.all("update"):
        raise WrongUsage(
            "an update is not sent in the address",
            where="parameter update",
            fix=f"Send it by POST, as the form field update or as a body of type {UPDATE}.",
        )


def iris(given: Parameters, name: str) -> tuple[str, ...]:
    """Every value of a parameter that names graphs.

    Raises:
        WrongUsage: one is no absolute IRI.
    """
    found = given.all(name)
    for iri in found:
        if not is_iri(iri):
            raise WrongUsage(
                f"{iri[:200]!r} is not an absolute IRI",
                where=f"parameter {name}",
                fix="Write the whole IRI of a graph, without angle brackets.",
            )
    return found


def _pairs(data: bytes, what: str) -> Parameters:
    text = _decoded(data, what)
    try:
        pairs = parse_qsl(
            text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS
        )
    except UnicodeDecodeError:
        raise _not_utf8(f"{what}, once percent-decoded,") from None
    except ValueError:
        raise WrongUsage(f"{what} has more than {_MOST_PARAMETERS} parameters") from None
    return Parameters(tuple(pairs))


def _decoded(data: bytes, what: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise _not_utf8(what) from None


def _not_utf8(what: str) -> Unreadable:
    return Unreadable(f"{what} is not UTF-8", fix="Send UTF-8.")
