"""How far people agree: coefficients, boundaries, and both over time.

Ratings of sound alone, of pictures alone and of both are kept apart. The consensus is nobody's rating and left out.
What a coefficient is stands in :mod:`.coefficients`, how labels become ratings in :mod:`.ratings`, what is told of two
people in :mod:`.pairs`.
"""

from annotations.agreement.coefficients import Figure
from annotations.agreement.measuring import Agreement, EmotionAgreement, measure, of_annotations, of_study, over_a_clip
from annotations.agreement.over_time import Moment
from annotations.agreement.pairs import Overlap, PairAgreement
from annotations.agreement.ratings import UNNAMED
from annotations.agreement.telling import as_json, as_text

__all__ = [
    "UNNAMED",
    "Agreement",
    "EmotionAgreement",
    "Figure",
    "Moment",
    "Overlap",
    "PairAgreement",
    "as_json",
    "as_text",
    "measure",
    "of_annotations",
    "of_study",
    "over_a_clip",
]
