"""Upload of a submission: a file and its options, as a raw body or as a form."""

import mimetypes
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import IO, Final

from flask import Request, current_app, g
from werkzeug.datastructures import FileStorage

from coprod_kg.access import SAY_WHO, Grant, Role, Tokens
from coprod_kg.errors import (
    Forbidden,
    StoreFull,
    TooLarge,
    Unauthorised,
    UnsupportedMedia,
    WrongUsage,
)
from coprod_kg.ingest.outcome import SubmittedFile
from coprod_kg.ingest.rdf_formats import FORMATS
from coprod_kg.ingest.report.marks import XLSX
from coprod_kg.ingest.submit import Sender
from coprod_kg.settings import Settings
from coprod_kg.web.authorisation import holder
from coprod_kg.web.protocol import parameters

__all__ = ["FormRequest", "Upload", "grant_of_field", "may_change", "sender_of", "upload"]

_FORM: Final = "multipart/form-data"
_ENDINGS: Final = {
    XLSX: "xlsx",
    "text/csv": "csv",
    "text/tab-separated-values": "tsv",
    "application/zip": "zip",
    **{kind: syntax.extensions[0] for syntax in FORMATS for kind in syntax.media_types},
}
_VAGUE: Final = ("", "application/octet-stream", "text/plain")
_MIB: Final = 1 << 20
_IN_MEMORY: Final = 1 << 16
_YES: Final = ("1", "true", "yes", "on", "")


class FormRequest(Request):
    """A request whose files, those of a form, lie in the data directory unless they are small."""

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        """The stream that Werkzeug puts the file into."""
        folder = current_app.config["SETTINGS"].scratch
        return tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=folder)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file and its options; the file is not in memory before it is read.

    Attributes:
        name: of the file.
        stated: what the sender says it is, or None.
        organisation: whose data it is to be, or None where the file says so.
        grant: what the sender may do, or None where no token came along.
        dry_run: whether it is only to be checked.
        patch: whether it is to be merged into what is there.
        answer: the format that a form asks the answer in, or None.
        content: reads the file.
        size: how large it is, where that is known before it is read.
    """

    name: str
    stated: str | None
    organisation: str | None
    grant: Grant | None
    dry_run: bool
    patch: bool
    answer: str | None
    content: Callable[[], bytes]
    size: int | None

    def read(self, settings: Settings) -> SubmittedFile:
        """Read the file.

        Raises:
            TooLarge: it came without a token, and is larger than such files may be.
        """
        self.check_size(self.size, settings)
        content = self.content()
        self.check_size(len(content), settings)
        return SubmittedFile(self.name, content, self.stated, self.organisation)

    def check_size(self, size: int | None, settings: Settings) -> None:
        """Refuse a file without a token that is larger than such files may be.

        Raises:
            TooLarge: it is.
        """
        if self.grant is None and size is not None and size > settings.open_check_mb * _MIB:
            raise TooLarge(
                f"without a token a file may have {settings.open_check_mb} MB, and with one "
                f"{settings.body_mb}",
                where=self.name,
                fix="Send it with a token, or check it on your own machine: coprod-kg validate. "
                "The limit is the setting open-check-mb.",
            )


def upload(request: Request, tokens: Tokens, *, closed: bool = False) -> Upload:
    """Begin to read a POST of a file: who sends it, what it is, and what is wanted.

    Args:
        request: the request.
        tokens: the tokens of the installation.
        closed: whether a check takes a token too.

    Raises:
        UnsupportedMedia: nothing says what the file is.
        WrongUsage: there is no file in the form, or more than one.
        Unauthorised: a token is needed and none that counts came along.
        Forbidden: the token is for another organisation.
    """
    given = dict(parameters(request).pairs)
    grant = holder(request, tokens)
    content: Callable[[], bytes]
    size: int | None
    if request.mimetype == _FORM:
        form, file = _form(request)
        # An error page shows the form again: a browser without scripts has lost what was in it.
        g.sent_form = {name: value for name, value in form.items() if name != "token"}
        given = {**form, **given}
        name = PurePath((file.filename or "").replace("\\", "/")).name
        stated = file.mimetype if not PurePath(name).suffix else ""
        token = given.get("token", "").strip()
        grant = grant_of_field(token, tokens) if token and grant is None else grant
        content, size = file.read, file.stream.seek(0, 2)
        file.stream.seek(0)
    else:
        stated, size = request.mimetype, request.content_length
        name = _name(request, stated)

        def content() -> bytes:
            return request.get_data(cache=False)

    dry_run = given.get("dry_run", "0") in _YES
    if closed and grant is None:
        raise Unauthorised(
            "a check takes a token here, and so does a submission",
            fix=_how(request),
        )
    return Upload(
        name=name,
        stated=stated if stated.lower() not in _VAGUE else None,
        organisation=_organisation(request, given.get("organisation") or None, grant, dry_run),
        grant=grant,
        dry_run=dry_run,
        patch=given.get("patch", "0") in _YES,
        answer=given.get("answer") or None,
        content=content,
        size=size,
    )


def _form(request: Request) -> tuple[dict[str, str], FileStorage]:
    """The fields of a form, and its one file, which lies on disk unless it is small.

    Raises:
        WrongUsage: there is none in it, or there are several.
        RequestEntityTooLarge: it is larger than the limit.
        StoreFull: the disk has no room for it.
    """
    try:
        files = [file for _, file in request.files.items(multi=True) if file.filename]
    except OSError as error:
        raise StoreFull(
            f"the file cannot be kept on disk: {error.strerror}; nothing was changed",
            fix="Free some space and send it again.",
        ) from None
    return request.form.to_dict(), _only(files)


def _only(files: Sequence[FileStorage]) -> FileStorage:
    """The one file of a form."""
    if not files:
        raise WrongUsage("the form holds no file", where="field file", fix="Choose a file.")
    if len(files) > 1:
        names = ", ".join(str(file.filename)[:80] for file in files[:5])
        raise WrongUsage(
            f"the form holds {len(files)} files ({names}), and one is read at a time",
            where="field file",
            fix="Send them one by one, or CSV files that belong together as one zip.",
        )
    return files[0]


def grant_of_field(token: str, tokens: Tokens) -> Grant:
    """What the token in the field of a form lets its holder do.

    Raises:
        Unauthorised: it is none of this service, or was taken back.
    """
    try:
        return tokens.grant(token)
    except Unauthorised as error:
        fix = "Copy the token whole, from coprod_ to its end."
        raise Unauthorised(error.what, where="field Token", fix=fix) from None


def _how(request: Request) -> str:
    """How the token is sent: in the form that the request was, or in a header."""
    return "Write it in the field Token." if request.mimetype == _FORM else SAY_WHO


def _organisation(
    request: Request, stated: str | None, grant: Grant | None, dry_run: bool
) -> str | None:
    """The organisation of the file: the one stated, else the contributor's own."""
    if grant is None:
        if not dry_run:
            form = request.mimetype == _FORM
            check = "a check" if form else "a check (dry_run=1)"
            raise Unauthorised(
                f"to take data in needs a token; {check} needs none", fix=_how(request)
            )
        return stated
    if stated is not None and not dry_run:
        grant.check_organisation(stated)
    return stated or grant.organisation


def _name(request: Request, stated: str) -> str:
    """The file name of a raw body: as its sender says, else by its format."""
    name = request.headers.get("Content-Location") or request.args.get("name") or ""
    name = PurePath(name.replace("\\", "/")).name[:200]
    if name:
        return name
    ending = _ENDINGS.get(stated.lower()) or (mimetypes.guess_extension(stated) or "").lstrip(".")
    if not ending or stated.lower() in _VAGUE:
        raise UnsupportedMedia(
            f"a body of type {stated[:80] or '(none)'} is not read here",
            where="header Content-Type",
            fix=f"Say what it is: {', '.join(_ENDINGS)}; or name it with ?name=my-data.xlsx.",
        )
    return f"submission.{ending}"


def sender_of(grant: Grant) -> Sender:
    """The sender for the provenance: the name of the token, which is no secret."""
    whose = f" of {grant.organisation}" if grant.organisation else ""
    return Sender(grant.name, f"The {grant.role} {grant.name}{whose}")


def may_change(grant: Grant | None, organisations: tuple[str, ...]) -> Grant:
    """Refuse a client that may not change the data of all these organisations.

    Raises:
        Unauthorised: no token came along.
        Forbidden: it is not for all of them.
    """
    if grant is None:
        raise Unauthorised("this takes a token", fix=SAY_WHO)
    if grant.role is Role.CONTRIBUTOR:
        for organisation in organisations:
            grant.check_organisation(organisation)
        if not organisations:
            raise Forbidden("only a curator's token may do this", fix="Ask a curator.")
    return grant
