"""Studies as files for the tests of formats: whatever a store could hold, and one small known one."""

from hypothesis import strategies as st

from annotations.interchange import FileClip, FileLabel, StudyFile

NAMES = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=12)
NOTES = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\r\t"), max_size=40)
FORMULAS = st.sampled_from(["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "'=1", "''=1", "'tis", '=HYPERLINK("x")', "a,b;c"])
MARKUP = st.sampled_from(
    ["<b>", "</v>", "&amp;", "a --> b", '"', '""', "Ana #2", "Ana", "(Ana)", "7", "NOTE x", "!x", "{x"]
)
ODD = NAMES | FORMULAS.map(str.strip) | MARKUP
SHARES = st.floats(0.001, 1.0)
DEGREES = SHARES | st.just(1.0)


@st.composite
def study_files(draw: st.DrawFn) -> StudyFile:
    """Odd names, formulas, markup, notes over several lines, degrees of any emotions, labels over one another."""
    emotions = tuple(draw(st.lists(ODD, min_size=1, max_size=4, unique_by=str.casefold)))
    seen_and_heard = st.tuples(st.booleans(), st.booleans())
    clips = tuple(
        FileClip(draw(ODD), f"{number:064x}", draw(st.floats(5, 100)), *draw(seen_and_heard))
        for number in range(draw(st.integers(1, 3)))
    )
    people = draw(st.lists(ODD, min_size=1, max_size=3))
    labels = st.builds(
        lambda start_s, length_s, **other: FileLabel(start_s=start_s, end_s=start_s + length_s, **other),
        start_s=st.floats(0, 4) | st.sampled_from([0.0, 1.0, 2.0]),
        length_s=st.floats(0.002, 1) | st.just(1.0),
        clip=st.sampled_from(clips),
        annotator=st.sampled_from(people),
        degrees=st.dictionaries(st.sampled_from(emotions), DEGREES, min_size=1),
        intensity=st.none() | SHARES,
        note=NOTES | FORMULAS | MARKUP,
    )
    whole = st.builds(
        lambda clip, annotator, emotion: FileLabel(clip, annotator, 0.0, clip.duration_s, {emotion: 1.0}),
        st.sampled_from(clips),
        ODD,
        st.sampled_from(emotions),
    )
    return StudyFile(emotions, clips, tuple(draw(st.lists(labels | whole, max_size=7))))


def comparable(labels: tuple[FileLabel, ...], *, clip: bool = True) -> list[str]:
    """Labels in an order and a form in which they can be compared."""
    return sorted(
        repr(
            (
                each.clip if clip else "",
                each.annotator,
                each.start_s,
                each.end_s,
                sorted(each.degrees.items()),
                each.intensity,
                each.note,
            )
        )
        for each in labels
    )


SPEECH = FileClip("speech.mp4", "a1" * 32, 26.0)
SONG = FileClip("a song.wav", "b2" * 32, 61.5, has_video=False)
#: Two clips, two people, degrees, overlaps, an intensity, notes, markup, an emotion that nobody used.
KNOWN = StudyFile(
    ("angry", "happy", "sad"),
    (SPEECH, SONG),
    (
        FileLabel(SPEECH, "Ana", 0.0, 2.0, {"happy": 1.0}),
        FileLabel(SPEECH, "Ana", 2.0, 3.5004, {"happy": 0.6, "sad": 0.4}, 0.5, 'a "smile" & <b>tears</b>'),
        FileLabel(SPEECH, "Ana", 3.0, 4.0, {"sad": 1.0}, note="over the one before\nsecond line"),
        FileLabel(SPEECH, "Bob <i>", 0.25, 26.0, {"sad": 0.7}),
        FileLabel(SONG, "Bob <i>", 0.0, 61.5, {"happy": 1.0}),
    ),
)
