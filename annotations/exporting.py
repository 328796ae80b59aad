"""What of a study goes into a file: its labels, of all clips or of one, and the active model's suggestions."""

from annotations import formats
from annotations.formats import Written
from annotations.interchange import FileSuggestion, StudyFile, file_clip
from annotations.records import AnnotationError
from annotations.store import Store


def export(store: Store, study_id: int, form: str, clip: str = "") -> Written:
    """A study as a file in the format of that name, of its clip of that name only where one is named.

    Raises ``AnnotationError`` where there is no such format or clip.
    """
    content = store.export_file(study_id)
    if formats.named(form).has_suggestions:
        content = StudyFile(content.emotions, content.clips, content.labels, _suggestions(store, study_id))
    return formats.write(_only(content, clip) if clip else content, form)


def _only(content: StudyFile, clip: str) -> StudyFile:
    clips = tuple(each for each in content.clips if each.name == clip)
    if not clips:
        raise AnnotationError(f"The study has no clip called {clip!r}.")
    return StudyFile(
        content.emotions,
        clips,
        tuple(label for label in content.labels if label.clip in clips),
        tuple(each for each in content.suggestions if each.clip in clips),
    )


def _suggestions(store: Store, study_id: int) -> tuple[FileSuggestion, ...]:
    version = store.active_version(study_id)
    if version is None:
        return ()
    return tuple(
        FileSuggestion(
            file_clip(clip), f"model {version.number}", each.start_s, each.end_s, each.memberships, each.uncertainty
        )
        for clip in store.clips(study_id)
        for each in store.suggestions(clip.id, version.id)
    )
