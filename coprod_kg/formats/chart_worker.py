"""Child process that draws one chart, of a Vega-Lite specification. Run by `drawing`."""

import resource
from typing import Any, Final

import vl_convert

from coprod_kg.errors import ModelError
from coprod_kg.sandbox.child import Payloads, serve

__all__ = ["VERSION", "main"]

VERSION: Final = "5.20"
_SECONDS: Final = 15
_BYTES: Final = 1 << 30


def main() -> None:
    """Draw the specification on standard input; write the picture to standard output."""
    serve(_work)


def _work(message: dict[str, Any], payloads: list[bytes]) -> Payloads:
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    # The engine reserves far more address space than it uses: what counts is what it may write to.
    resource.setrlimit(resource.RLIMIT_DATA, (_BYTES, _BYTES))
    text = payloads[0].decode()
    try:
        if message["form"] == "png":
            picture = vl_convert.vegalite_to_png(
                text, vl_version=VERSION, scale=2, allowed_base_urls=[]
            )
        else:
            picture = vl_convert.vegalite_to_svg(
                text, vl_version=VERSION, allowed_base_urls=[]
            ).encode()
    except ValueError as error:
        lines = [line for line in str(error).splitlines() if not line.startswith("    at ")]
        raise ModelError(f"the chart cannot be drawn: {' '.join(lines)[:300]}") from None
    return {}, [picture]


if __name__ == "__main__":
    main()
