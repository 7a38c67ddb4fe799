"""``If-Match`` and ``If-None-Match`` of a request that writes (RFC 9110, section 13)."""

from collections.abc import Collection

from flask import request

from coprod_kg.errors import PreconditionFailed

__all__ = ["check"]


def check(tags: Collection[str], what: str, *, exists: bool = True) -> None:
    """Refuse a change that was meant for another state.

    Args:
        tags: the entity tags of what is there, without quotes.
        what: is to be changed, as the beginning of a sentence.
        exists: whether it is there.

    Raises:
        PreconditionFailed: a header of the request says otherwise.
    """
    wanted, unwanted = request.if_match, request.if_none_match
    # A weak tag says "much the same": what is to be replaced has to be the very same.
    fits = wanted.star_tag or any(wanted.contains(tag) for tag in tags)
    if "If-Match" in request.headers and not (exists and fits):
        raise PreconditionFailed(
            f"{what} is not what the header If-Match says",
            where="header If-Match",
            fix="Get it again, and make the change anew.",
        )
    met = unwanted.star_tag or any(unwanted.contains_weak(tag) for tag in tags)
    if "If-None-Match" in request.headers and exists and met:
        raise PreconditionFailed(
            f"{what} is there already",
            where="header If-None-Match",
            fix="Choose another name, or leave the header out to replace it.",
        )
