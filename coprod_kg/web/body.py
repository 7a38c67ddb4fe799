"""The body of a request, whole or refused; it never hands over a part of one."""

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge

__all__ = ["body"]


def body(request: Request) -> bytes:
    """All the bytes that were sent.

    The framework refuses an announced length over the limit before it reads, but ends a body
    that comes in chunks at the limit as if it ended there. So one more byte is asked for.

    Raises:
        RequestEntityTooLarge: they are more than the limit.
    """
    data = request.get_data(cache=False)
    limit = request.max_content_length
    reached = limit is not None and len(data) >= limit
    if reached and request.content_length is None and request.environ["wsgi.input"].read(1):
        raise RequestEntityTooLarge
    return data
