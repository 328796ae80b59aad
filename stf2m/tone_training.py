"""Learning the tone of sentences (:mod:`stf2m.views.tone`) from lines with an emotion: ``python -m stf2m learn-tone``.

The lines are those of a recipe's training speakers. Each emotion counts as if all were equally frequent (Menon et al.
2021, *Long-tail learning via logit adjustment*), as they are in an episode. On the speakers who validate, accuracy is
told after every pass; nothing is chosen by it.
"""

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from stf2m.datasets import Item
from stf2m.recipe import Progress, Recipe, data_folder, lines
from stf2m.threads import one_thread
from stf2m.views import text
from stf2m.views.tone import SIZE, Tone

#: How often every line is seen, how many at once, and the rate of AdamW, warmed up for so many steps (an eighth of all
#: where there are few) and then taken to zero.
PASSES, BATCH, RATE, WARM = 3, 32, 1e-3, 100
#: Lines of about equal length are put together, out of so many batches.
_POOL = 20


def learn_tone(recipe: Path, out: Path, progress: Progress, data: Path | None = None) -> list[float]:
    """Learn the tone of a recipe's lines and write it to the file ``out``; returns the share of right answers after
    every pass, on the lines of those who validate, each emotion counting alike.

    ``data`` is the folder of the data sets (``STF2M_DATA`` unless given). Raises
    :class:`stf2m.recipe.RecipeError`, :class:`stf2m.weights.WeightsUnavailableError`, or what reading the data raises.
    """
    plan = Recipe.read(recipe)
    train, validate = lines(plan, data or data_folder())
    tone, right = train_tone(train, validate, plan.seed, progress)
    out.parent.mkdir(parents=True, exist_ok=True)
    tone.save(out)
    return right


@one_thread()
def train_tone(
    train: Sequence[Item], validate: Sequence[Item], seed: int, progress: Progress
) -> tuple[Tone, list[float]]:
    """The tone of some lines, and its accuracy on others after every pass; the same for the same seed.

    On one thread: sentences are short, and a second one waits more than it works wherever something else runs.
    """
    torch.manual_seed(seed)
    chance = random.Random(seed)
    emotions = sorted({item.emotion for item in train})
    labels = torch.tensor([[item.labels.get(name, 0.0) for name in emotions] for item in train])
    labels = labels / labels.sum(dim=1, keepdim=True)
    usual = labels.mean(dim=0).log()
    tokens, model = text.sentence_model()
    tone, head = Tone(model), nn.Sequential(nn.Dropout(0.1), nn.Linear(SIZE, len(emotions)))
    learner = nn.ModuleList([tone, head])
    weights = [each for each in learner.parameters() if each.requires_grad]
    optimiser = torch.optim.AdamW(weights, lr=RATE, weight_decay=0.01)
    steps, step, right = PASSES * -(-len(train) // BATCH), 0, []
    warm = min(WARM, max(steps // 8, 1))
    for turn in range(PASSES):
        learner.train()
        for rows in _batches([item.text for item in train], chance):
            for group in optimiser.param_groups:
                group["lr"] = RATE * min((step + 1) / warm, 1.0) * (1 - step / steps)
            scores = head(tone(text.tokenised(tokens, [train[row].text for row in rows])))
            loss = F.cross_entropy(scores + usual, labels[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            step += 1
            told = f", {right[-1]:.3f} right of those who validate" if right else ""
            progress(step / steps, f"pass {turn + 1} of {PASSES}, loss {loss.item():.3f}{told}")
        learner.eval()
        right.append(_right(tone, head, validate, emotions))
    return tone, right


@torch.inference_mode()
def _right(tone: Tone, head: nn.Module, lines: Sequence[Item], emotions: Sequence[str]) -> float:
    """The mean share of right answers over the emotions that are there: never, for one that nobody was trained on."""
    tokens, _ = text.sentence_model()
    parts = [lines[start : start + 64] for start in range(0, len(lines), 64)]
    scores = torch.cat([head(tone(text.tokenised(tokens, [item.text for item in part]))) for part in parts])
    said = np.array(emotions)[scores.argmax(dim=1).numpy()]
    truth = np.array([item.emotion for item in lines])
    return float(np.mean([(said[truth == each] == each).mean() for each in np.unique(truth)]))


def _batches(texts: Sequence[str], chance: random.Random) -> list[list[int]]:
    """All rows in batches of about equal length, in random order."""
    rows = list(range(len(texts)))
    chance.shuffle(rows)
    pools = [rows[start : start + BATCH * _POOL] for start in range(0, len(rows), BATCH * _POOL)]
    ordered = [sorted(pool, key=lambda row: len(texts[row])) for pool in pools]
    found = [pool[start : start + BATCH] for pool in ordered for start in range(0, len(pool), BATCH)]
    chance.shuffle(found)
    return found
