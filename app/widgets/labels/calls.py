"""What the label form asks of the studio: one mapping of plain values in, the label set as it is then out."""

from collections import Counter
from typing import Any

from annotations.studies import PALETTE
from app.studio import Studio
from app.widgets.calls import Call, plain


def calls(studio: Studio) -> list[Call]:
    """The server functions of the label form, by the names it calls."""

    def shown(study_id: int, sentence: str = "") -> dict[str, Any]:
        study = studio.study(study_id)
        used = Counter(name for each in studio.store.annotations(study_id=study_id) for name in each.degrees)
        return {
            "study": study_id,
            "emotions": [
                {"name": each.name, "letter": each.letter, "colour": each.colour, "used": used[each.name]}
                for each in study.emotions
            ],
            "palette": PALETTE,
            "known": [name for name in studio.predictions.known_emotions if name not in study.emotion_names],
            "mode": study.settings.mode,
            "sentence": sentence,
        }

    def follow(study_id: int, name: str) -> str:
        used = sum(name in each.degrees for each in studio.store.annotations(study_id=study_id))
        return f" {used} {'annotation follows' if used == 1 else 'annotations follow'}." if used else ""

    @plain
    def labels(data: dict[str, Any]) -> dict[str, Any]:
        return shown(data["study"])

    @plain
    def add(data: dict[str, Any]) -> dict[str, Any]:
        study = studio.add_emotion(data["study"], data["name"], data["annotator"])
        return shown(data["study"], f"Added {study.emotion_names[-1]}.")

    @plain
    def rename(data: dict[str, Any]) -> dict[str, Any]:
        followed = follow(data["study"], data["name"])
        studio.rename_emotion(data["study"], data["name"], data["new"], data["annotator"])
        return shown(data["study"], f"{data['name']} is called {data['new'].strip()} now.{followed}")

    @plain
    def merge(data: dict[str, Any]) -> dict[str, Any]:
        followed = follow(data["study"], data["name"])
        studio.merge_emotions(data["study"], data["name"], data["into"], data["annotator"])
        return shown(data["study"], f"{data['name']} is a part of {data['into']} now.{followed}")

    @plain
    def recolour(data: dict[str, Any]) -> dict[str, Any]:
        studio.recolour_emotion(data["study"], data["name"], data["colour"], data["annotator"])
        return shown(data["study"], f"{data['name']} has another colour.")

    @plain
    def mode(data: dict[str, Any]) -> dict[str, Any]:
        studio.store.change_settings(data["study"], data["annotator"], mode=data["mode"])
        return shown(data["study"])

    @plain
    def undo(data: dict[str, Any]) -> dict[str, Any]:
        studio.labels.undo(data["study"], data["annotator"])
        return shown(data["study"], "Undone.")

    return [labels, add, rename, merge, recolour, mode, undo]
