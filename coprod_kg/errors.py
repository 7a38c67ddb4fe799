"""The hierarchy of errors that a person may meet.

    CoprodError
    ├── RequestError            what was asked is not possible as it was asked
    │   ├── WrongUsage          a flag, a setting or a parameter is off
    │   ├── QueryRefused        the query may not run here: it calls what is not allowed
    │   ├── QuerySyntax         the query is not SPARQL
    │   ├── QueryFailed         the query or update cannot be carried out
    │   ├── ServiceFailed       an endpoint that the query calls did not answer it
    │   ├── Unauthorised        it takes a token, and none that counts was sent
    │   ├── Forbidden           it takes a right that the client does not have
    │   ├── NotFound            no such query, graph, thing, page
    │   ├── NotAcceptable       no format both sides know
    │   ├── UnsupportedMedia    the body is in a format that cannot be read
    │   ├── MethodRefused       the method does not fit the address
    │   ├── PreconditionFailed  it is not in the state that the request expects
    │   ├── VersionGone         that dataset version is no longer kept
    │   └── Withdrawn           there was such a thing in an earlier version
    ├── DataError               what was sent cannot be accepted
    │   ├── Unreadable          the bytes are not what they should be
    │   ├── TooLarge            more bytes than the limit
    │   └── NotConformant       it reads well, but breaks a shape
    ├── LimitReached            it was stopped by a limit
    │   ├── QueryTimeout        longer than the deadline
    │   ├── QueryMemory         more memory than the cap
    │   ├── QueryTooDeep        nested deeper than the engine can follow
    │   └── Overloaded          too many at once: try again
    ├── EngineFailed            the query engine broke down over it
    ├── ModelError              the ontology, a shape or a saved query is itself at fault
    └── StoreError              the store
        ├── StoreInUse          another process has it
        ├── StoreFull           the disk has no room for another commit
        ├── StoreChanged        another commit came in between
        └── StoreUnavailable    no process answers for it

The edges (``web/errors.py``, ``cli/__main__.py``) turn one of these into a problem document
(RFC 9457) or an exit code, and nothing else does.
"""

from typing import ClassVar

__all__ = [
    "CoprodError",
    "DataError",
    "EngineFailed",
    "Forbidden",
    "LimitReached",
    "MethodRefused",
    "ModelError",
    "NotAcceptable",
    "NotConformant",
    "NotFound",
    "Overloaded",
    "PreconditionFailed",
    "QueryFailed",
    "QueryMemory",
    "QueryRefused",
    "QuerySyntax",
    "QueryTimeout",
    "QueryTooDeep",
    "RequestError",
    "ServiceFailed",
    "StoreChanged",
    "StoreError",
    "StoreFull",
    "StoreInUse",
    "StoreUnavailable",
    "TooLarge",
    "Unauthorised",
    "Unreadable",
    "UnsupportedMedia",
    "VersionGone",
    "Withdrawn",
    "WrongUsage",
]


class CoprodError(Exception):
    """What was wrong, where, and what to do about it.

    Args:
        what: one sentence: what was expected and what arrived.
        where: the file, line, column, row, cell or parameter, in words.
        fix: one sentence: what to do.
    """

    status: ClassVar[int] = 500
    """The HTTP status the web edge answers with."""
    exit_code: ClassVar[int] = 1
    """The exit code the command line ends with."""
    title: ClassVar[str] = "Something went wrong"
    """The kind of problem in a few words, the same for every instance."""
    retry_after: int | None = None
    """Seconds after which trying again makes sense, or None where it does not."""

    def __init__(self, what: str, *, where: str | None = None, fix: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.fix = fix

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        fix = f"\n{self.fix}" if self.fix else ""
        return f"{place}{self.what}{fix}"


class RequestError(CoprodError):
    """What was asked is not possible as it was asked."""

    status = 400
    title = "The request cannot be answered as it is"


class WrongUsage(RequestError):
    """A flag, a setting or a parameter is off."""

    exit_code = 2
    title = "A parameter is wrong"


class QueryRefused(RequestError):
    """The query calls what it may not call from here."""

    status = 403
    title = "The query is not allowed here"


class QueryFailed(RequestError):
    """The query or update is well formed, but cannot be carried out."""

    title = "The query cannot be carried out"


class ServiceFailed(RequestError):
    """An endpoint that the query calls by SERVICE did not answer it."""

    status = 502
    title = "Another service did not answer"


class QuerySyntax(RequestError):
    """The query is not SPARQL."""

    title = "The query cannot be read"


class Unauthorised(RequestError):
    """It takes a token, and none that counts was sent."""

    status = 401
    title = "A token is needed"


class Forbidden(RequestError):
    """It takes a right that the client does not have, or that no client has here."""

    status = 403
    title = "Not allowed"


class NotFound(RequestError):
    """There is no such query, graph, thing or page."""

    status = 404
    title = "Not found"


class NotAcceptable(RequestError):
    """None of the formats the client accepts can be written here."""

    status = 406
    title = "No format that both sides know"


class UnsupportedMedia(RequestError):
    """The body is in a format that cannot be read here."""

    status = 415
    title = "The body is in a format that is not read here"


class MethodRefused(RequestError):
    """The method does not fit the address."""

    status = 405
    title = "The method does not fit the address"


class PreconditionFailed(RequestError):
    """What is there is not in the state that the request expects; nothing was changed."""

    status = 412
    title = "It is not in the state that was expected"


class VersionGone(RequestError):
    """That version of the dataset is no longer kept."""

    status = 410
    title = "That version is no longer kept"


class Withdrawn(RequestError):
    """There was such a thing, and a later version of the data removed it."""

    status = 410
    title = "It was withdrawn"


class DataError(CoprodError):
    """What was sent cannot be accepted; nothing was changed."""

    status = 422
    title = "The data was not accepted"


class Unreadable(DataError):
    """The bytes are not what their format promises."""

    status = 400
    title = "The file cannot be read"


class TooLarge(DataError):
    """More bytes than the limit."""

    status = 413
    title = "Too large"


class NotConformant(DataError):
    """The data reads well, but breaks a shape with the severity of a violation."""

    title = "The data does not conform to the shapes"


class LimitReached(CoprodError):
    """It was stopped by one of the limits, all of which are settings.

    Args:
        what: see `CoprodError`.
        where: likewise.
        fix: likewise.
        setting: the name of the limit, for the metrics of refused requests.
        retry_after: seconds after which trying again makes sense, where that is known.
    """

    status = 503
    title = "A limit was reached"

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        fix: str | None = None,
        setting: str = "",
        retry_after: int | None = None,
    ) -> None:
        super().__init__(what, where=where, fix=fix)
        self.setting = setting
        if retry_after is not None:
            self.retry_after = retry_after


class QueryTimeout(LimitReached):
    """The query ran longer than its deadline."""

    title = "The query took too long"
    retry_after = 60


class QueryMemory(LimitReached):
    """The query needed more memory than its cap."""

    title = "The query needed too much memory"
    retry_after = 60


class QueryTooDeep(LimitReached):
    """The query is nested deeper than the engine can follow."""

    status = 400
    title = "The query is nested too deeply"


class Overloaded(LimitReached):
    """Too many requests wait already."""

    status = 429
    title = "Too many requests at once"
    retry_after = 5


class EngineFailed(CoprodError):
    """The query engine broke down over a query: a fault of its own, and no limit of ours."""

    title = "The query engine broke down"


class ModelError(CoprodError):
    """The ontology, a shape or a saved query of this installation is itself at fault."""

    title = "The model of this installation is at fault"


class StoreError(CoprodError):
    """The store could not do its work."""

    status = 503
    exit_code = 3
    title = "The store is not available"
    retry_after = 5


class StoreInUse(StoreError):
    """Another process has the data directory."""

    title = "The data directory is in use"


class StoreFull(StoreError):
    """The disk has no room for another commit; nothing changed, and reading goes on."""

    status = 507
    title = "The disk of the data directory is full"
    retry_after = 60


class StoreChanged(StoreError):
    """The change was made from a version that is no longer the newest; nothing changed."""

    status = 409
    exit_code = 1
    title = "The data changed in between"


class StoreUnavailable(StoreError):
    """No process answers for the store."""
