"""Assessment of where initiatives stand: conclusions drawn again, and explained.

`assess` draws the conclusions over the store anew; `coprod_kg.assessment.explanation` says of one
subject what was concluded, which statements decided it, and what others did.
"""

from coprod_kg.assessment.refresh import assess, organisations

__all__ = ["assess", "organisations"]
