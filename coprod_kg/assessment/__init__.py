"""Assessment of the stage at which initiatives stand: conclusions drawn again, and explained.

`assess` draws the conclusions over the store anew; `coprod_kg.assessment.explanation` explains one
subject's conclusions by the statements that decided them, with the cases of others.
"""

from coprod_kg.assessment.refresh import organisations, recompute_conclusions

__all__ = ["organisations", "recompute_conclusions"]
