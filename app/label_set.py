"""The emotions of a study under their own names, while the shipped model knows them by the names they were given first.

A study whose "happy" was renamed "joyful" loses nothing: what the model knows of happy people answers as joyful.
"""

from annotations.records import StudyRecord


def meanings(study: StudyRecord) -> dict[str, str]:
    """The name by which the model may know each emotion, by its name in the study; no two have the same."""
    names = set(study.emotion_names)
    found: dict[str, str] = {}
    for emotion in study.emotions:
        taken = emotion.meaning in found.values() or (emotion.meaning in names and emotion.meaning != emotion.name)
        found[emotion.name] = emotion.name if taken else emotion.meaning
    return found
