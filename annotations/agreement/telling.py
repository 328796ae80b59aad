"""Agreement as lines for a terminal and as plain values for JSON."""

from typing import Any

from annotations.agreement.boundaries import TOLERANCE_S
from annotations.agreement.coefficients import COEFFICIENTS, UNIT_S, Figure
from annotations.agreement.measuring import Agreement, EmotionAgreement
from annotations.agreement.pairs import Overlap
from annotations.agreement.ratings import UNNAMED

#: The measures of boundaries, as people call them.
OVERLAPS = {
    "onset_f1": "F1 of beginnings within half a second",
    "offset_f1": "F1 of ends within half a second",
    "iou": "overlap of stretches (intersection over union)",
}
#: So many pairs are told in a terminal.
MOST_LINES = 20


def as_text(agreement: Agreement) -> list[str]:
    """The figures in lines for a terminal; the first says of how much."""
    people = len(agreement.annotators)
    if any(name.startswith(UNNAMED) for name in agreement.annotators):
        who = f"up to {people} unnamed raters each"
    else:
        who = "1 person" if people == 1 else f"{people} people"
    clips = "1 clip" if agreement.clips == 1 else f"{agreement.clips} clips"
    lines = [f"{clips}, {who}, {agreement.seconds:.1f} s labelled by two or more"]
    lines += [
        f"  {name.replace('_', ' ')}: {_told(getattr(agreement, name))}" for name in (*COEFFICIENTS, "cohen_kappa")
    ]
    lines += [f"  {title}: {_told(getattr(agreement.overlap, name))}" for name, title in OVERLAPS.items()]
    for emotion, each in agreement.emotions.items():
        lines.append(f"  {emotion} against the rest:")
        lines += [f"    {name.replace('_', ' ')}: {_told(getattr(each, name))}" for name in COEFFICIENTS]
        lines += [f"    alpha of its degrees: {_told(each.degrees_alpha)}"]
        lines += [f"    {title}: {_told(getattr(each.overlap, name))}" for name, title in OVERLAPS.items()]
    for pair in agreement.pairs[:MOST_LINES]:
        kappa = _told(pair.cohen_kappa)
        names = " and ".join(pair.annotators)
        lines.append(f"  {names}: {pair.seconds:.1f} s, {pair.percent:.1f} % agreement, Cohen's kappa {kappa}")
    if agreement.pair_count > MOST_LINES:
        lines.append(f"  … and {agreement.pair_count - MOST_LINES} more pairs of people.")
    return lines


def as_json(agreement: Agreement) -> dict[str, Any]:
    """Plain values: a figure that is not defined is null, and ``not_defined`` says why; ``ci95`` has the intervals."""
    whole = {
        name: getattr(agreement, name)
        for name in ("krippendorff_alpha", "percent_agreement", "cohen_kappa", "fleiss_kappa", "gwet_ac1")
    }
    why = _Reasons()
    content: dict[str, Any] = {name: why.value(name, each) for name, each in whole.items()}
    ci95 = {name: [each.low, each.high] for name, each in whole.items() if each.low is not None}
    content |= _overlap(agreement.overlap, why, "")
    content["degrees_alpha"] = {
        emotion: why.value(f"degrees_alpha of {emotion}", each.degrees_alpha)
        for emotion, each in agreement.emotions.items()
    }
    content["emotions"] = {
        emotion: {name: why.value(f"{name} of {emotion}", getattr(each, name)) for name in COEFFICIENTS}
        | _overlap(each.overlap, why, f" of {emotion}")
        | {"ci95": _intervals(each)}
        for emotion, each in agreement.emotions.items()
    }
    content |= {
        "ci95": ci95,
        "unit_s": UNIT_S,
        "tolerance_s": TOLERANCE_S,
        "seconds": agreement.seconds,
        "clips": agreement.clips,
        "annotators": list(agreement.annotators),
        "pair_count": agreement.pair_count,
        "pairs": [
            {
                "annotators": list(pair.annotators),
                "seconds": pair.seconds,
                "percent_agreement": pair.percent,
                "cohen_kappa": why.value(f"cohen_kappa of {' and '.join(pair.annotators)}", pair.cohen_kappa),
            }
            | _overlap(pair.overlap, why, f" of {' and '.join(pair.annotators)}")
            for pair in agreement.pairs
        ],
        "days": {
            day.isoformat(): {
                "seconds": moment.seconds,
                "percent_agreement": moment.percent_agreement.value,
                "krippendorff_alpha": why.value(f"krippendorff_alpha on {day}", moment.krippendorff_alpha),
                "gwet_ac1": why.value(f"gwet_ac1 on {day}", moment.gwet_ac1),
            }
            for day, moment in agreement.days.items()
        },
        "not_defined": why.said,
    }
    return content


def _told(figure: Figure) -> str:
    if figure.value is None:
        return figure.why
    interval = "" if figure.low is None else f" (95 % interval {figure.low:.3f} to {figure.high:.3f})"
    return f"{figure.value:.3f}{interval}"


class _Reasons:
    """Collects why figures are not defined."""

    def __init__(self) -> None:
        self.said: dict[str, str] = {}

    def value(self, name: str, figure: Figure) -> float | None:
        if figure.value is None:
            self.said[name] = figure.why
        return figure.value


def _overlap(overlap: Overlap, why: _Reasons, of: str) -> dict[str, float | None]:
    return {name: why.value(f"{name}{of}", getattr(overlap, name)) for name in ("onset_f1", "offset_f1", "iou")}


def _intervals(emotion: EmotionAgreement) -> dict[str, list[float | None]]:
    names = (*COEFFICIENTS, "degrees_alpha")
    found = {name: getattr(emotion, name) for name in names}
    return {name: [each.low, each.high] for name, each in found.items() if each.low is not None}
