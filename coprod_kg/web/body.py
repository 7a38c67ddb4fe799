"""The body of a request, whole or refused; it never hands over a part of one."""

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge

__all__ = ["body", "refuse_longer"]


def body(request: Request) -> bytes:
    """All the bytes that were sent.

    Raises:
        RequestEntityTooLarge: they are more than the limit.
    """
    data = request.get_data(cache=False)
    refuse_longer(request, len(data))
    return data


def refuse_longer(request: Request, taken: int) -> None:
    """Refuse a body of which more is there than was taken.

    The framework refuses an announced length over the limit before it reads, but ends a body
    that comes in chunks at the limit as if it ended there. So one more byte is asked for.

    Raises:
        RequestEntityTooLarge: there is one.
    """
    limit = request.max_content_length
    reached = limit is not None and taken >= limit
    if reached and request.content_length is None and request.environ["wsgi.input"].read(1):
        raise RequestEntityTooLarge
