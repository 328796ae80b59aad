"""Almost no inner loop (Raghu et al. 2020): MAML of which only the head adapts to a support set, the body never."""

from stf2m.baselines.maml import MAML


class ANIL(MAML):
    """MAML's network and training; what moves is the head alone."""

    name = "anil"
    moves = ("head",)
