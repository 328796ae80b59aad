"""Every method that can be tested, by name."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from stf2m.adaptation import AdaptedModel, Prediction
from stf2m.baselines.anil import ANIL
from stf2m.baselines.finetune import FineTuning
from stf2m.baselines.finetune_whole import WholeFineTuning
from stf2m.baselines.logistic import Logistic
from stf2m.baselines.maml import MAML
from stf2m.baselines.protonet import ProtoNet
from stf2m.baselines.prototype import Prototype
from stf2m.encoded import Encoded
from stf2m.evaluation import Method
from stf2m.model import STF2M
from stf2m.tasks import Example
from stf2m.tracks import FloatArray


class Adapting:
    """An ST-F2M checkpoint adapted to each episode's support: nothing else of it changes.

    With ``memory`` it also uses what it remembers of emotions that it knows by name, as the studio does; without, the
    support is all, and names say only which emotions the training data had.
    """

    transductive = True

    def __init__(self, model: STF2M | None = None, memory: bool = True) -> None:
        self.name = "stf2m" if memory else "stf2m-support"
        self.model, self.memory = model or STF2M.load(), memory
        data, name = self.model.card.get("data"), self.model.card.get("name", "its checkpoint")
        self.origin = f"{name}: {', '.join(data) if isinstance(data, dict) else 'data unknown'}"

    def fit(self, train: Sequence[Example]) -> None:
        """Nothing: the checkpoint is what it is."""

    def encode(self, examples: Sequence[Example]) -> Encoded:
        """The slow half: the encoder's features of every example, less what is its speaker's own."""
        people = [example.speaker for example in examples]
        return self.model.encode([example.views for example in examples], people=people)

    def adapt(
        self, support: Encoded, degrees: FloatArray, emotions: Sequence[str], unlabelled: Encoded | None = None
    ) -> "Answering":
        """The fast weights of one episode."""
        return Answering(self.model.adapt(support, degrees, emotions, prior=self.memory, unlabelled=unlabelled))

    def unadapted(self, emotions: Sequence[str]) -> "Answering | None":
        """The memory alone; None where it knows fewer than two of the emotions, or is not to be used."""
        if not self.memory:
            return None
        nothing = self.model.encode([])
        adapted = self.model.adapt(nothing, np.zeros((0, len(emotions)), np.float32), emotions)
        return Answering(adapted) if adapted.taught else None


class Answering:
    """An adapted model as the test sees it."""

    def __init__(self, adapted: AdaptedModel) -> None:
        self.adapted = adapted
        self._last: tuple[Encoded, Prediction] | None = None

    def predict(self, query: Encoded) -> FloatArray:
        """Degrees ``(n, N)``."""
        return self._prediction(query).memberships

    def confidence(self, query: Encoded) -> FloatArray:
        """Certainty ``(n,)``: one less the uncertainty."""
        return 1 - self._prediction(query).uncertainty

    def _prediction(self, query: Encoded) -> Prediction:
        """Of the same rows only once."""
        if self._last is None or self._last[0] is not query:
            self._last = query, self.adapted.predict(query)
        return self._last[1]


#: How each method is made; those of ST-F2M take the checkpoint's folder, None for the shipped one.
METHODS: Mapping[str, Callable[[Path | None], Method]] = {
    "stf2m": lambda checkpoint: Adapting(STF2M.load(checkpoint)),
    "stf2m-support": lambda checkpoint: Adapting(STF2M.load(checkpoint), memory=False),
    "prototype": lambda _: Prototype(),
    "prototype-speaker": lambda _: Prototype(per_speaker=True),
    "logistic": lambda _: Logistic(),
    "protonet": lambda _: ProtoNet(),
    "maml": lambda _: MAML(),
    "anil": lambda _: ANIL(),
    "finetune": lambda _: FineTuning(),
    "finetune-whole": lambda _: WholeFineTuning(),
}


class UnknownMethodError(ValueError):
    """A name that no method has; the message lists those that there are."""


def method(name: str, checkpoint: Path | None = None) -> Method:
    """A new, unfitted method; those of ST-F2M are the ``checkpoint`` in a folder, the shipped one unless given.

    Raises :class:`UnknownMethodError`, or what loading the checkpoint raises.
    """
    if name not in METHODS:
        raise UnknownMethodError(f"There is no method {name}; there are {', '.join(METHODS)}.")
    return METHODS[name](checkpoint)
