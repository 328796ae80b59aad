"""What is a person's own: how somebody always looks or sounds, whatever they feel, taken off before anything is read.

A voice says more of who speaks than of how they feel. Where many emotions of a person are at hand, their mean is what
is their own, whatever these emotions are, and taking it off is worth much; but where a person shows one emotion only,
their mean *is* that emotion, and taking it off leaves nothing. So the own part is estimated together with the emotions.
For segments i of one person with means x_i, typical emotions m_c (from people whose balanced means are known) and
degrees p_ic,

    ``own = Σ_i (x_i - μ - φ Σ_c p_ic m_c) / (n + λ + κ φ)``,

and p follows from ``x_i - own``, in turns (expectation–maximisation of a mixture with a random effect; McLachlan & Peel
2000, ch. 3). φ falls from one, where the degrees name one emotion, to zero, where they name as many as
:data:`MANY`: counted by ``exp H(mean p)``, H the entropy (Hill 1973). The more emotions there are, the less is to be
taken off for them, and the less does it matter that some may be none of those known here. With few segments λ keeps the
own part near nothing, with few emotions κ does; one segment is a person, too.

What the encoder reads in a view is not linear, so something of a person is left in it. Of people who show so many
emotions that their plain mean is their own, :func:`left_over` is taken off what is read of them as well.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

#: λ and κ: how many segments' worth of evidence says that people do not differ; κ of those who show one emotion only.
CAUTION, MORE_CAUTION = 1.0, 12.0
#: Who shows so many emotions is known by the plain mean of all their segments.
MANY = 4.0
#: From so many emotions on, and wholly from so many, something is taken off what is read of a person, too. With fewer,
#: or where it is not sure that there are more, it would do harm: people would be moved by different shares.
SOME, MOST = 4.0, 5.0
_TURNS = 5
#: A person is learned from when they have so many performances of so many emotions.
_PERFORMANCES, _EMOTIONS = 20, 4
#: How much the content (what differs within a performance) counts as noise, and how far covariances are shrunk.
_CONTENT, _SHRINKAGE = 1.0, 0.3


class Own(NamedTuple):
    """What is one person's own in a modality: in what is ``heard (S C + E,)``, and left in what is ``read (P,)``."""

    heard: Tensor
    read: Tensor


class Baseline(nn.Module):
    """The own part of people in D numbers, with ``classes`` typical emotions; unfitted, nothing is anybody's own.

    Buffers: ``middle (D,)`` is μ, ``typical (classes, D)`` m; ``absolute`` and ``relative`` ``(D + 1, classes)`` are
    linear classifiers (the last row is the constant) of means with the own part in and taken off.
    """

    def __init__(self, size: int, classes: int) -> None:
        super().__init__()
        self.fitted: Tensor
        self.middle: Tensor
        self.typical: Tensor
        self.absolute: Tensor
        self.relative: Tensor
        self.register_buffer("fitted", torch.zeros(()))
        self.register_buffer("middle", torch.zeros(size))
        self.register_buffer("typical", torch.zeros(classes, size))
        self.register_buffer("absolute", torch.zeros(size + 1, classes))
        self.register_buffer("relative", torch.zeros(size + 1, classes))

    @torch.inference_mode()
    def own(self, means: Tensor) -> Tensor:
        """The own part ``(D,)`` of the one person whose segments have these ``means (n, D)``; zero for none."""
        if not self.fitted or not len(means):
            return torch.zeros_like(self.middle)
        degrees = self._degrees(means, self.absolute)
        own = torch.zeros_like(self.middle)
        for _ in range(_TURNS):
            few = ((MANY - _shown(degrees)) / (MANY - 1)).clamp(0, 1)
            left = (means - self.middle - few * degrees @ self.typical).sum(dim=0)
            own = left / (len(means) + CAUTION + MORE_CAUTION * few)
            degrees = self._degrees(means - own, self.relative)
        return own

    @torch.inference_mode()
    def of_each(self, means: Tensor, people: Sequence[str]) -> Tensor:
        """What is the own of the person in each of n segments, ``(n, D)``, from all segments of that person among them;
        ``people`` (n) are names, empty for somebody of whom nothing else is known.
        """
        found = torch.zeros_like(means)
        if self.fitted:
            for mine in by_person(people).values():
                found[mine] = self.own(means[mine])
        return found

    @torch.inference_mode()
    def variety(self, means: Tensor) -> Tensor:
        """How far the one person whose segments have these ``means (n, D)``, less their own, shows many emotions: from
        0 for :data:`SOME` to 1 for :data:`MOST` ``()``. So many segments have no more emotions than that.
        """
        if not self.fitted or not len(means):
            return torch.zeros(())
        shown = _shown(self._degrees(means, self.relative)).clamp(max=float(len(means)))
        return ((shown - SOME) / (MOST - SOME)).clamp(0, 1)

    def fit(
        self, means: Tensor, content: Tensor, emotion: Sequence[str], person: NDArray[np.intp], own: Tensor
    ) -> None:
        """Fit to performances with ``means (n, D)`` of the people numbered ``person (n,)`` (−1: unknown, left out).

        ``content (m, D)`` are deviations of stretches of a performance from the whole, ``own (people, D)`` the people's
        true own parts about ``middle``, which is set here to the mean of all people.
        """
        known = person >= 0
        if not known.any():
            return
        names = sorted(set(emotion))
        label = np.array([names.index(name) for name in emotion])[known]
        heard = means[torch.from_numpy(known)].double()
        mine = own[torch.from_numpy(person[known])].double()
        noise = content.double().T @ content.double() / max(len(content), 1)
        count = len(names)
        middle = own.double().mean(dim=0)
        relative = heard - (mine - middle)
        typical = torch.stack([relative[torch.from_numpy(label == each)].mean(dim=0) for each in range(count)]) - middle
        self.middle.copy_(middle)
        self.typical[:count] = typical.float()
        self.absolute.copy_(_classifier(heard, label, count, noise, len(self.typical)))
        self.relative.copy_(_classifier(relative, label, count, noise, len(self.typical)))
        self.fitted.fill_(1.0)

    def _degrees(self, means: Tensor, classifier: Tensor) -> Tensor:
        return (means @ classifier[:-1] + classifier[-1]).softmax(dim=1)


def by_person(people: Sequence[str]) -> Mapping[str, list[int]]:
    """The rows of each person; every row without a name is somebody else's."""
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(people):
        rows.setdefault(name or f"unknown {row}", []).append(row)
    return rows


def left_over(read: Tensor, level: Tensor, variety: Tensor) -> Tensor:
    """What is left of one person in what is ``read (n, P)`` of all their segments, ``(P,)``: their mean about the
    ``level (P,)`` of people whose balanced means are known, as far as the ``variety`` of their emotions allows.
    """
    return variety * (read - level).sum(dim=0) / (len(read) + CAUTION)


def _shown(degrees: Tensor) -> Tensor:
    """How many emotions these ``degrees (n, classes)`` name, by Hill's number of order one."""
    return torch.special.entr(degrees.mean(dim=0)).sum().exp()


def balanced(means: Tensor, emotion: Sequence[str], speaker: Sequence[str]) -> tuple[NDArray[np.intp], Tensor]:
    """Who is known well, and what is their own: the number of each performance's person ``(n,)``, −1 where they are
    not known well, and the people's means ``(people, D)``, every emotion of theirs counting the same.

    What all people of a data set share (its rooms, its microphones) is thereby their own too.
    """
    person = np.full(len(emotion), -1, np.intp)
    found: list[Tensor] = []
    for name in sorted(set(speaker) - {""}):
        rows = [row for row, each in enumerate(speaker) if each == name]
        shown = sorted({emotion[row] for row in rows})
        if len(rows) < _PERFORMANCES or len(shown) < _EMOTIONS:
            continue
        person[rows] = len(found)
        parts = [means[[row for row in rows if emotion[row] == each]].mean(dim=0) for each in shown]
        found.append(torch.stack(parts).mean(dim=0))
    return person, torch.stack(found) if found else means.new_zeros(0, means.shape[1])


def _classifier(means: Tensor, label: NDArray[np.intp], count: int, noise: Tensor, classes: int) -> Tensor:
    """A shrunk linear discriminant with even priors as weights and constants ``(D + 1, classes)``; impossible classes
    have a constant of −1e4.
    """
    middle = torch.stack([means[torch.from_numpy(label == each)].mean(dim=0) for each in range(count)])
    inner = means - middle[torch.from_numpy(label)]
    within = inner.T @ inner / len(inner) + _CONTENT * noise
    size = len(within)
    within = (1 - _SHRINKAGE) * within + _SHRINKAGE * within.trace() / size * torch.eye(size, dtype=within.dtype)
    weights = torch.linalg.solve(within, middle.T)
    constant = -0.5 * (middle.T * weights).sum(dim=0)
    full = torch.zeros(size + 1, classes)
    full[-1] = -1e4
    full[:-1, :count] = weights.float()
    full[-1, :count] = constant.float()
    return full
