"""Child process that draws one chart: ``python -m coprod_kg.formats.chart_worker svg|png``.

Reads a Vega-Lite specification from standard input and writes the picture to standard output.
"""

import resource
import sys
from typing import Final

import vl_convert

__all__ = ["main"]

VERSION: Final = "5.20"
_SECONDS: Final = 15
_BYTES: Final = 1 << 30


def main() -> int:
    """Draw; exit status 1 where the specification is wrong, with the reason in the last line."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    # The engine reserves far more address space than it uses: what counts is what it may write to.
    resource.setrlimit(resource.RLIMIT_DATA, (_BYTES, _BYTES))
    text = sys.stdin.buffer.read().decode()
    try:
        if sys.argv[1] == "png":
            drawn = vl_convert.vegalite_to_png(
                text, vl_version=VERSION, scale=2, allowed_base_urls=[]
            )
        else:
            drawn = vl_convert.vegalite_to_svg(
                text, vl_version=VERSION, allowed_base_urls=[]
            ).encode()
    except ValueError as error:
        lines = [line for line in str(error).splitlines() if not line.startswith("    at ")]
        sys.stderr.write(" ".join(lines))
        return 1
    sys.stdout.buffer.write(drawn)
    return 0


if __name__ == "__main__":
    sys.exit(main())
