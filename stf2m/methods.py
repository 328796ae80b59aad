"""Every method that can be tested, by name."""

from collections.abc import Callable, Mapping, Sequence

from stf2m.adaptation import AdaptedModel
from stf2m.baselines.logistic import Logistic
from stf2m.baselines.prototype import Prototype
from stf2m.encoded import Encoded
from stf2m.evaluation import Method
from stf2m.model import STF2M
from stf2m.tasks import Example
from stf2m.tracks import FloatArray


class Adapting:
    """An ST-F2M checkpoint adapted to each episode's support: nothing else of it changes.

    With ``memory`` it also uses what it remembers of emotions that it knows by name, as the studio does; without, the
    names say nothing and the support is all.
    """

    def __init__(self, model: STF2M | None = None, memory: bool = True) -> None:
        self.name = "stf2m" if memory else "stf2m-support"
        self.model, self.memory = model or STF2M.load(), memory
        data = self.model.card.get("data")
        self.origin = f"its checkpoint: {', '.join(data) if isinstance(data, dict) else 'data unknown'}"

    def fit(self, train: Sequence[Example]) -> None:
        """Nothing: the checkpoint is what it is."""

    def encode(self, examples: Sequence[Example]) -> Encoded:
        """The slow half: the encoder's features of every example."""
        return self.model.encode([example.views for example in examples])

    def adapt(self, support: Encoded, degrees: FloatArray, emotions: Sequence[str]) -> "Answering":
        """The fast weights of one episode."""
        return Answering(self.model.adapt(support, degrees, emotions, prior=self.memory))


class Answering:
    """An adapted model as the test sees it."""

    def __init__(self, adapted: AdaptedModel) -> None:
        self.adapted = adapted

    def predict(self, query: Encoded) -> FloatArray:
        """Degrees ``(n, N)``."""
        return self.adapted.predict(query).memberships


METHODS: Mapping[str, Callable[[], Method]] = {
    "stf2m": Adapting,
    "stf2m-support": lambda: Adapting(memory=False),
    "prototype": Prototype,
    "prototype-speaker": lambda: Prototype(per_speaker=True),
    "logistic": Logistic,
}


class UnknownMethodError(ValueError):
    """A name that no method has; the message lists those that there are."""


def method(name: str) -> Method:
    """A new, unfitted method. Raises :class:`UnknownMethodError`, or what loading the checkpoint raises."""
    if name not in METHODS:
        raise UnknownMethodError(f"There is no method {name}; there are {', '.join(METHODS)}.")
    return METHODS[name]()
