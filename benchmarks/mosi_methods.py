"""What is compared on MOSI: ways to answer for a video of which ten utterances were corrected."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from stf2m.baselines.fusion import Fusion, Maker
from stf2m.baselines.pooling import moments
from stf2m.revision import Evidence, Floats, Prior, revise
from stf2m.tracks import FloatArray

Rows = NDArray[np.intp]

#: Corrected utterances of each sentiment.
SHOTS = 5
#: Strengths of logistic regression to choose from, and into how many groups of videos the choice divides them.
STRENGTHS, INNER = (3e-4, 1e-3, 3e-3), 4
#: Priors to choose from: deviations of a video's own weights and of its mood.
DETAILS, DRIFTS = (1.0, 2.0), (0.0, 1.0)
#: Deviations of the trust in a modality and of a video's own threshold, which matter little.
DOUBT, SHIFT = 0.1, 0.5
#: Episodes of each training video by which priors are chosen.
TRIALS = 2
#: How far a modality is trusted that no training video can tell about, and how uncertain that is.
UNTOLD, UNTOLD_DOUBT = 0.25, 0.3
#: Within how many utterances others count as company.
COMPANY_REACH = 6.0


@dataclass(frozen=True, eq=False)
class Utterances:
    """n utterances: ``features (n, D_m)`` by modality, ``degrees (n,)`` 0 or 1, ``video (n,)`` and ``place (n,)``."""

    features: Mapping[str, FloatArray]
    degrees: Floats
    video: NDArray[np.str_]
    place: Floats

    def __len__(self) -> int:
        return len(self.degrees)

    def __getitem__(self, rows: Rows | NDArray[np.bool_]) -> "Utterances":
        chosen = {name: array[rows] for name, array in self.features.items()}
        return Utterances(chosen, self.degrees[rows], self.video[rows], self.place[rows])

    def only(self, modalities: Sequence[str]) -> dict[str, FloatArray]:
        """The features of some modalities."""
        return {name: self.features[name] for name in modalities}


class Training:
    """The training videos of one fold, and regressions on them, each fitted once for all methods that ask for it."""

    def __init__(self, utterances: Utterances) -> None:
        self.utterances = utterances
        self._regressions: dict[tuple[str, ...], Regression] = {}

    def regression(self, modalities: Sequence[str]) -> "Regression":
        """Logistic regression on the features of some modalities."""
        key = tuple(modalities)
        if key not in self._regressions:
            found = self.utterances
            self._regressions[key] = Regression(found.only(key), found.degrees, found.video)
        return self._regressions[key]


@dataclass(frozen=True, eq=False)
class Trial:
    """One episode: rows of corrected utterances of one video, and of all its others."""

    support: Rows
    query: Rows


def trials(utterances: Utterances, count: int, random: np.random.Generator) -> list[Trial]:
    """``count`` episodes of every video that has five utterances of each sentiment and more."""
    drawn = []
    for video in sorted(set(utterances.video)):
        rows = np.flatnonzero(utterances.video == video)
        sides = [rows[utterances.degrees[rows] == side] for side in (0, 1)]
        if min(map(len, sides)) < SHOTS or len(rows) == 2 * SHOTS:
            continue
        for _ in range(count):
            support = np.concatenate([random.choice(side, SHOTS, replace=False) for side in sides])
            drawn.append(Trial(support, np.setdiff1d(rows, support)))
    return drawn


class Answering(Protocol):
    """A way to answer: it learns from training videos, sees the utterances of test videos, and answers by episode."""

    name: str

    def fit(self, train: Training) -> None:
        """Learn from other videos."""
        ...

    def meet(self, test: Utterances) -> None:
        """See the test videos' utterances, labels apart."""
        ...

    def answer(self, trial: Trial, degrees: Floats) -> Floats:
        """Log-odds of the query, given the degrees of the support."""
        ...


class Majority:
    """What most training utterances are."""

    name = "majority"

    def fit(self, train: Training) -> None:
        """Count."""
        self._answer = train.utterances.degrees.mean() - 0.5

    def meet(self, test: Utterances) -> None:
        """Nothing."""

    def answer(self, trial: Trial, degrees: Floats) -> Floats:
        """The same for all."""
        return np.full(len(trial.query), self._answer)


class Known:
    """Logistic regression on all features of the training videos; ``threshold``: where it parts the ten best."""

    def __init__(
        self, modalities: Sequence[str], name: str = "global model, unadapted", threshold: bool = False
    ) -> None:
        self.name = name
        self.modalities, self.threshold = modalities, threshold

    def fit(self, train: Training) -> None:
        """Fit, the strength chosen by cross-validation over videos."""
        self._model = train.regression(self.modalities)

    def meet(self, test: Utterances) -> None:
        """Answer for all at once."""
        self._logits = self._model(test.only(self.modalities))

    def answer(self, trial: Trial, degrees: Floats) -> Floats:
        """The regression's log-odds, less the refitted threshold."""
        cut = _best_cut(self._logits[trial.support], degrees) if self.threshold else 0.0
        return self._logits[trial.query] - cut


class Alone:
    """Logistic regression fitted on the ten utterances alone, standardised by the training videos."""

    name = "fitted on the ten alone"

    def __init__(self, modalities: Sequence[str]) -> None:
        self.modalities = modalities

    def fit(self, train: Training) -> None:
        """Take the scale."""
        self._scale = Scale(train.utterances.only(self.modalities))

    def meet(self, test: Utterances) -> None:
        """Standardise."""
        self._points = self._scale(test.only(self.modalities))

    def answer(self, trial: Trial, degrees: Floats) -> Floats:
        """Fit and answer."""
        model = LogisticRegression(C=self._points.shape[1], max_iter=500).fit(self._points[trial.support], degrees)
        return model.decision_function(self._points[trial.query])


class Network:
    """A fusion network trained on the other videos, its last layer adapted on the ten."""

    def __init__(self, make: Maker, name: str, modalities: Sequence[str]) -> None:
        self.name, self.modalities = name, modalities
        self._fusion = Fusion(make)

    def fit(self, train: Training) -> None:
        """Train it."""
        known = train.utterances.only(self.modalities)
        self._fusion.fit(known, train.utterances.degrees.astype(np.float32))
        _, features = self._fusion.predict(known)
        self._mean = features.mean(axis=0)
        self._size = float(np.sqrt(np.square(features - self._mean).sum(axis=1).mean()))

    def meet(self, test: Utterances) -> None:
        """Log-odds and last features of all."""
        logits, features = self._fusion.predict(test.only(self.modalities))
        scaled = (features - self._mean) / self._size
        self.logits = logits.astype(np.float64)
        self._evidence = Evidence(self.logits[:, None], scaled.astype(np.float64), test.place)

    def answer(self, trial: Trial, degrees: Floats) -> Floats:
        """Logistic regression of the last layer, with a Gaussian prior about its weights."""
        found = self._evidence
        prior = Prior(np.ones(1), np.zeros(1), shift=SHIFT, detail=1.0, drift=0.0)
        return revise(prior, found[trial.support], degrees, found[trial.query])


class Unadapted:
    """A fusion network that another method trained, without the ten."""

    def __init__(self, network: Network) -> None:
        self.name, self._network = f"{network.name}, unadapted", network

    def fit(self, train: Training) -> None:
        """Nothing: the network is trained already."""

    def meet(self, test: Utterances) -> None:
        """Nothing: the network has met them."""

    def answer(self, trial: Trial, degrees: Floats) -> Floats:
        """The network's log-odds."""
        return self._network.logits[trial.query]


class Revising:
    """Ours: a model of each modality, fused late, revised by the ten in the Bayesian way.

    ``untold`` are modalities whose features have seen the training labels: training videos cannot tell how far to trust
    them. ``company``: what the models say of the neighbouring utterances, labels unseen, counts as one modality more.
    """

    def __init__(self, name: str, modalities: Sequence[str], untold: Sequence[str] = (), company: bool = False) -> None:
        self.name, self.told, self.untold, self.company = name, modalities, untold, company

    def fit(self, train: Training) -> None:
        """Fit the models, their weights and the prior, all chosen by cross-validation over the training videos."""
        known = train.utterances
        self._models = {name: train.regression([name]) for name in (*self.told, *self.untold)}
        told = np.column_stack([self._models[name].unseen for name in self.told])
        if self.company:
            told = np.column_stack([told, _company(told.sum(axis=1), known)])
        fitted = LogisticRegression(C=1.0, fit_intercept=False, max_iter=500).fit(told, known.degrees)
        weight = np.maximum(fitted.coef_[0], 0.0)
        spoken = np.square(weight * told.std(axis=0))[: len(self.told)]
        self._trust = spoken / max(spoken.sum(), 1e-9)
        size = float((told @ weight).std())
        self._loud = {name: size / max(float(self._models[name].unseen.std()), 1e-9) for name in self.untold}
        self._scales = {name: Scale(known.only([name])) for name in self.told}
        self._prior = self._choose(known, weight)

    def meet(self, test: Utterances) -> None:
        """The evidence of all utterances."""
        logits = {name: model(test.only([name])) for name, model in self._models.items()}
        self._evidence = self._see(test, logits)

    def answer(self, trial: Trial, degrees: Floats) -> Floats:
        """The revised log-odds."""
        return revise(self._prior, self._evidence[trial.support], degrees, self._evidence[trial.query])

    def _see(self, utterances: Utterances, logits: Mapping[str, Floats]) -> Evidence:
        told = np.column_stack([logits[name] for name in self.told])
        columns = [told, *([_company(told.sum(axis=1), utterances)] if self.company else [])]
        columns += [logits[name] * self._loud[name] for name in self.untold]
        features = [
            np.sqrt(trust) * self._scales[name](utterances.only([name]))
            for name, trust in zip(self.told, self._trust, strict=True)
        ]
        return Evidence(np.column_stack(columns), np.hstack(features), utterances.place)

    def _choose(self, train: Utterances, weight: Floats) -> Prior:
        """The prior under which corrected training videos are likeliest, answered by models that have not seen them."""
        seen = self._see(train, {name: model.unseen for name, model in self._models.items()})
        drawn = trials(train, TRIALS, np.random.default_rng(0))
        untold = len(self.untold)
        priors = [
            Prior(
                np.concatenate([weight, np.full(untold, UNTOLD)]),
                np.concatenate([np.full(len(weight), DOUBT), np.full(untold, UNTOLD_DOUBT)]),
                shift=SHIFT,
                detail=detail,
                drift=drift,
            )
            for detail, drift in product(DETAILS, DRIFTS)
        ]
        return max(priors, key=lambda prior: np.mean([_likelihood(prior, seen, trial, train) for trial in drawn]))


class Scale:
    """Standardises features by training videos: the modalities side by side, of mean square length one."""

    def __init__(self, features: Mapping[str, FloatArray]) -> None:
        self._moments = {name: moments(array) for name, array in features.items()}
        self._width = sum(array.shape[1] for array in features.values())

    def __call__(self, features: Mapping[str, FloatArray]) -> Floats:
        """``(n, ΣD)``; what is not known is zero."""
        parts = [
            (features[name] - mean) / np.where(deviation > 1e-6, deviation, np.inf)
            for name, (mean, deviation) in self._moments.items()
        ]
        return np.nan_to_num(np.hstack(parts)).clip(-5, 5).astype(np.float64) / np.sqrt(self._width)


class Regression:
    """Logistic regression whose strength and calibration are chosen by cross-validation over groups of videos.

    ``unseen (n,)`` holds the calibrated log-odds of each training utterance by the model that has not seen its video.
    """

    def __init__(self, features: Mapping[str, FloatArray], degrees: Floats, video: NDArray[np.str_]) -> None:
        self._scale = Scale(features)
        points = self._scale(features)
        order = np.random.default_rng(0).permutation(sorted(set(video)))
        group = np.array([np.flatnonzero(order == name)[0] % INNER for name in video])
        found = {}
        for strength in STRENGTHS:
            # The scale divides by the width; the strength is that of features of variance one.
            model = LogisticRegression(C=strength * points.shape[1], max_iter=500)
            logits = np.empty(len(degrees))
            for part in range(INNER):
                fitted = model.fit(points[group != part], degrees[group != part])
                logits[group == part] = fitted.decision_function(points[group == part])
            self._calibration = LogisticRegression(C=1e3).fit(logits[:, None], degrees)
            calibrated = self._calibrated(logits)
            likely = float((degrees * calibrated - np.logaddexp(0, calibrated)).mean())
            found[strength] = likely, calibrated, self._calibration, model
        _, self.unseen, self._calibration, model = max(found.values(), key=lambda each: each[0])
        self._model = model.fit(points, degrees)

    def __call__(self, features: Mapping[str, FloatArray]) -> Floats:
        """Calibrated log-odds ``(n,)``."""
        return self._calibrated(self._model.decision_function(self._scale(features)))

    def _calibrated(self, logits: Floats) -> Floats:
        return logits * self._calibration.coef_[0, 0] + self._calibration.intercept_[0]


def _company(logits: Floats, utterances: Utterances) -> Floats:
    """The mean log-odds of the other utterances of the same video, near ones counting more, ``(n,)``."""
    company = np.zeros(len(logits))
    for video in set(utterances.video):
        rows = np.flatnonzero(utterances.video == video)
        place = utterances.place[rows]
        share = np.exp(-np.abs(place[:, None] - place) / COMPANY_REACH)
        np.fill_diagonal(share, 0)
        company[rows] = share @ logits[rows] / np.maximum(share.sum(axis=1), 1e-9)
    return company


def _likelihood(prior: Prior, seen: Evidence, trial: Trial, truth: Utterances) -> float:
    answer = revise(prior, seen[trial.support], truth.degrees[trial.support], seen[trial.query])
    right = np.where(truth.degrees[trial.query] == 1, answer, -answer)
    return float(np.log(np.maximum(expit(right), 1e-6)).mean())


def _best_cut(logits: Floats, degrees: Floats) -> float:
    """The threshold that parts the ten best: of all such the middle one."""
    order = np.sort(logits)
    cuts = np.concatenate([[order[0] - 1], (order[1:] + order[:-1]) / 2, [order[-1] + 1]])
    right = np.array([((logits > cut) == degrees).sum() for cut in cuts])
    best = np.flatnonzero(right == right.max())
    return float(cuts[best[len(best) // 2]])
