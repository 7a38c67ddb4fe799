"""IRI and name of the default licence of the data and the model.

A graph of an organisation may name another licence for itself.
"""

from typing import Final

__all__ = ["LICENCE", "LICENCE_NAME"]

LICENCE: Final = "https://creativecommons.org/licenses/by/4.0/"
LICENCE_NAME: Final = "CC BY 4.0"
