"""The people of a study: how far each is, how far they agree, and how often they accept what the model suggests."""

from app.studio import Studio
from app.support import Teacher


def teachers(studio: Studio, study_id: int) -> list[Teacher]:
    """Whose corrections a model can learn from: all who labelled an analysed clip; the consensus is last."""
    ready = {clip.id for clip in studio.store.clips(study_id) if clip.status == "ready"}
    labelled = {each.annotator_id for each in studio.store.annotations(study_id=study_id) if each.clip_id in ready}
    there = [Teacher(each.id, each.name, each.kind) for each in studio.store.annotators() if each.id in labelled]
    return sorted(there, key=lambda each: (each.kind == "consensus", each.name))
