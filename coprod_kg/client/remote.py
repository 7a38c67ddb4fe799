"""HTTP client of a running service."""

import json
import re
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from http.client import HTTPException, HTTPResponse
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import Request, urlopen

from coprod_kg import errors
from coprod_kg.client.sources import saved_query_named
from coprod_kg.errors import CoprodError, RequestError, StoreError, StoreUnavailable, WrongUsage
from coprod_kg.formats.media_types import ROWS
from coprod_kg.store.base import Answer
from coprod_kg.store.remote.client import check_whole

__all__ = ["Remote"]

_CHUNK: Final = 1 << 16
_SUFFIXES: Final = {"text": "txt", "bibtex": "bib", "csl": "csl.json"}
_PATIENCE: Final = 30.0
"""Seconds an answer may take beyond the deadline of its query."""


class Remote:
    """The service at an address."""

    def __init__(self, url: str, seconds: float, flag: str = "--url") -> None:
        """Talk to the service at ``url``; nothing is sent yet.

        Args:
            url: its address, as ``serve`` prints it.
            seconds: the deadline of one query.
            flag: where the address was given, for messages.

        Raises:
            WrongUsage: it is not the address of a service.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise WrongUsage(
                f"{url!r} is not the address of a service",
                where=flag,
                fix="Write for example http://127.0.0.1:8000",
            )
        self.url = url.rstrip("/")
        self._seconds = seconds + _PATIENCE

    def queries(self, words: str = "", tags: Sequence[str] = ()) -> list[dict[str, Any]]:
        """The service's descriptions of its saved queries, or of those that a search finds."""
        search = [("q", words)] if words else []
        search += [("tag", tag) for tag in tags]
        tail = f"?{urlencode(search)}" if search else ""
        data = self._send(f"/queries{tail}", ("application/json",)).read()
        try:
            entries: list[dict[str, Any]] = json.loads(data)["queries"]
        except (ValueError, KeyError, TypeError):
            raise StoreUnavailable(f"{self.url} answers, but is no such service") from None
        return entries

    def described(self, name: str) -> Mapping[str, Any]:
        """The service's description of a saved query.

        Raises:
            NotFound: it has no such query; says which may be meant.
        """
        entries_by_name = {query["name"]: query for query in self.queries()}
        return saved_query_named(entries_by_name, name, f"coprod-kg queries --url {self.url}")

    def opened(self) -> AbstractContextManager["Remote"]:
        """The service, which is open already."""
        return nullcontext(self)

    def newest(self) -> int:
        """The newest version there is."""
        with self.sparql("ASK {}", (ROWS[0].media_type,), None) as answer:
            return answer.version

    def query(
        self,
        name: str,
        values: Mapping[str, Sequence[str]],
        media_types: tuple[str, ...],
        version: int | None,
    ) -> Answer:
        """The answer of a saved query."""
        return self._send(f"/queries/{quote(name, safe='')}{_tail(values, version)}", media_types)

    def cited(
        self, name: str, values: Mapping[str, Sequence[str]], form: str, version: int | None
    ) -> str:
        """The citation of an answer, as the service gives it: ``text``, ``bibtex`` or ``csl``."""
        path = f"/queries/{quote(name, safe='')}/cite.{_SUFFIXES.get(form, form)}"
        with self._send(f"{path}{_tail(values, version)}", ("*/*",)) as answer:
            return answer.read().decode()

    def assessment(
        self, name: str, form: str, language: str = "en", *, every_stage: bool = False
    ) -> str:
        """An assessment as JSON or text; a bare name means an initiative.

        Args:
            name: ``initiative/garden`` or ``organisation/harbour``.
            form: ``json`` or ``txt``.
            language: of its sentences.
            every_stage: whether the text lists the criteria of every stage.
        """
        path = quote(name if "/" in name else f"initiative/{name}", safe="/")
        parameters = {"format": form, "lang": language} | (
            {"every_stage": "1"} if every_stage else {}
        )
        tail = urlencode(parameters)
        with self._send(f"/assessments/{path}?{tail}", ("*/*",)) as answer:
            return answer.read().decode()

    def sparql(self, text: str, media_types: tuple[str, ...], version: int | None) -> Answer:
        """The answer of a query."""
        tail = "" if version is None else f"?version={version}"
        return self._send(f"/sparql{tail}", media_types, text.encode())

    def _send(self, path: str, media_types: tuple[str, ...], body: bytes | None = None) -> Answer:
        accept = ", ".join(
            f"{media_type};q={1 - n / 100:.2f}" for n, media_type in enumerate(media_types)
        )
        # A range of its own counts before */*: with a low weight, problems would come as pages.
        problems = "application/problem+json" + ("" if "*/*" in media_types else ";q=0.1")
        headers = {"Accept": f"{accept}, {problems}"}
        if body is not None:
            headers["Content-Type"] = "application/sparql-query"
        request = Request(self.url + path, body, headers)  # noqa: S310  # __init__ checked it
        try:
            response = urlopen(request, timeout=self._seconds)  # noqa: S310  # the same
        except HTTPError as error:
            raise _problem(error) from None
        except (URLError, HTTPException, OSError) as error:
            raise _unreachable(self.url, error) from None
        kind = response.headers.get_content_type()
        if kind not in media_types and "*/*" not in media_types:
            response.close()
            raise StoreUnavailable(
                f"what answers at {self.url} sends {kind} and is no such service",
                fix="Write the address that coprod-kg serve prints.",
            )
        number = response.headers.get("Dataset-Version", "")
        return Answer(
            media_type=kind,
            version=int(number) if number.isdigit() else 0,
            length=response.length,
            chunks=_Body(self.url, response),
            # With rows it says what they rest on; without any, what the data do not mention.
            note=response.headers.get("Answer-Caveat", "")
            if response.headers.get("Answer-Rows") == "0"
            else "",
        )


class _Body(Iterator[bytes]):
    """The chunks of a response; closing it closes the connection even where none was read."""

    def __init__(self, url: str, response: HTTPResponse) -> None:
        self._url = url
        self._response = response

    def __next__(self) -> bytes:
        try:
            chunk = self._response.read(_CHUNK)
            if not chunk:
                check_whole(self._response)
        except (HTTPException, OSError) as error:
            self.close()
            raise _unreachable(self._url, error) from None
        if not chunk:
            self.close()
            raise StopIteration
        return chunk

    def close(self) -> None:
        """Give the connection back."""
        self._response.close()


def _tail(values: Mapping[str, Sequence[str]], version: int | None) -> str:
    pairs = [(key, value) for key, texts in values.items() for value in texts]
    pairs += [] if version is None else [("version", str(version))]
    return f"?{urlencode(pairs)}" if pairs else ""


def _unreachable(url: str, error: Exception) -> StoreUnavailable:
    """The error for an address where no service answers."""
    reason = getattr(error, "reason", None) or error
    if isinstance(reason, ssl.SSLError):
        return StoreUnavailable(
            f"no secure connection to {url} comes about: {reason.verify_message}"
            if isinstance(reason, ssl.SSLCertVerificationError)
            else f"the service at {url} does not answer over TLS",
            fix="Has it a certificate that counts? One without any is asked at http://.",
        )
    cause = getattr(reason, "strerror", None) or reason
    is_local = urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
    return StoreUnavailable(
        f"the service at {url} does not answer: {cause}",
        fix="Is it running? coprod-kg serve starts one."
        if is_local
        else "Is the address right, and the service running?",
    )


def _problem(error: HTTPError) -> CoprodError:
    """The error that the service's problem document describes, as the same class."""
    try:
        document = json.loads(error.read())
        kind = str(document["type"]).rpartition("/")[2].rpartition("#")[2]
        detail = str(document["detail"])
    except (ValueError, KeyError, TypeError, OSError, HTTPException):
        kind, detail = "", f"the service answered {error.code} {error.reason}"
        document = {"fix": "Is it one of coprod-kg? Write the address that coprod-kg serve prints."}
    name = re.sub(r"(?:^|-)([a-z])", lambda match: match[1].upper(), kind)
    error_class = getattr(errors, name, None) if name in errors.__all__ else None
    if not (isinstance(error_class, type) and issubclass(error_class, CoprodError)):
        error_class = RequestError if error.code < 500 else StoreError
    return error_class(detail, where=document.get("where"), fix=document.get("fix"))
