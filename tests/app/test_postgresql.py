"""The main job with PostgreSQL behind it: nothing but the database's address differs."""

import shutil
from pathlib import Path

from app.demo import DEMOS
from app.ingest import Upload
from app.settings import Settings
from app.studio import Studio
from tests.annotations.conftest import Server
from tests.annotations.conftest import postgresql as postgresql
from tests.app.conftest import EMOTIONS


def test_the_main_job_on_postgresql(postgresql: Server, analysed_home: Path, tmp_path: Path):
    shutil.copytree(analysed_home / "tracks", tmp_path / "tracks")
    studio = Studio(Settings(home=tmp_path, database_url=postgresql.new_database()))
    study = studio.create_study("Field notes", EMOTIONS)
    demo = DEMOS[0]
    clip = studio.ingest(study.id, Upload(demo.path, demo.path.name, subtitles=demo.subtitles))
    ana = studio.annotator("Ana").id
    suggested = studio.timeline(clip.id, ana)["suggestions"]
    for each, emotion in zip(suggested, ("happy", "sad", "angry", "sad"), strict=False):
        studio.labels.correct(clip.id, ana, each["start_s"], each["end_s"], {emotion: 1.0})
    report = studio.adapt(study.id, ana)
    assert (report.version.number, report.held_out is not None) == (2, True)
    studio.rename_emotion(study.id, "happy", "joyful", ana)
    assert "joyful" in {each["emotion"] for each in studio.timeline(clip.id, ana)["annotations"]}
    studio.labels.undo(study.id, ana)
    assert studio.version(study.id).number == 2
    assert {each["emotion"] for each in studio.timeline(clip.id, ana)["annotations"]} == {"happy", "sad", "angry"}
    assert studio.clips(study.id, ana).cards[0].mine == 4
    studio.store.close()
    assert not (tmp_path / "studio.sqlite3").exists()
