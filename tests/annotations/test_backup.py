"""Backups: taken in the middle of work, put back into either kind of database, and refused where they are none."""

import io
import multiprocessing
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command

from annotations import backup, migrations
from annotations.__main__ import main
from annotations.engine import writer
from annotations.records import AnnotationError, NewVersion, StoreError, SuggestionRecord
from annotations.store import Store
from tests.annotations.test_concurrency import assert_whole
from tests.annotations.writers import Work, Writer

KINDS = ("sqlite", "postgresql")


@pytest.fixture
def new_url(request, tmp_path):
    """Makes the URLs of empty databases of either kind."""

    def new(kind: str) -> str:
        if kind == "sqlite":
            return f"sqlite:///{tmp_path / f'studio-{len(list(tmp_path.iterdir()))}.sqlite3'}"
        return request.getfixturevalue("postgresql").new_database()

    return new


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A backup of a studio in which Ana has said that something is happy."""
    store = Store(f"sqlite:///{tmp_path / 'source.sqlite3'}")
    study = store.create_study("Demo", ["happy", "sad"])
    clip = store.add_clip(study.id, "a1" * 32, "x.mp4", duration_s=26, has_video=True, has_sound=True)
    store.annotate(clip.id, store.annotator("Ana").id, 1, 2, {"happy": 0.7}, note="smiles “so”")
    store.backup(tmp_path / "backup.sqlite3")
    store.close()
    return tmp_path / "backup.sqlite3"


def test_a_backup_while_eight_people_write_is_the_state_of_one_moment(store, study, clip, url, tmp_path):
    people = [store.annotator(f"Person {number}").id for number in range(8)]
    writers = [Writer(Work(url, clip.id, (person,), 1_000_000)) for person in people]
    said = [writer.saved() for writer in writers]
    acknowledged = [next(each) for each in said]
    copies = [tmp_path / f"copy-{number}.sqlite3" for number in range(3)]
    for copy in copies:
        store.backup(copy)
        done, until = len(store.events(study.id)), time.monotonic() + 60
        while len(store.events(study.id)) == done and time.monotonic() < until:
            time.sleep(0.01)
    for each, killed in zip(said, writers, strict=True):
        killed.process.kill()
        acknowledged.extend(each)
    sizes = []
    for copy in copies:
        assert not [each for each in tmp_path.iterdir() if each.name.startswith((f"{copy.name}-", "."))]
        opened = Store(f"sqlite:///{copy}")
        there = {each.id: each for each in opened.annotations(clip.id)}
        heard = [each for each in acknowledged if each.annotation_id in there]
        heard = [each for each in heard if each.version <= there[each.annotation_id].version]
        assert_whole(opened, study.id, clip.id, heard, others=8)
        sizes.append(len(opened.events(study.id)))
        opened.close()
    assert 8 < sizes[0] < sizes[1] < sizes[2] < len(store.events(study.id)), "people worked all the time"


@pytest.mark.parametrize("source", KINDS)
@pytest.mark.parametrize("target", KINDS)
def test_a_restored_studio_goes_on_working(new_url, tmp_path, source, target):
    old = Store(new_url(source))
    study = old.create_study("Demo", ["happy", "sad"])
    gone = old.add_clip(study.id, "b2" * 32, "gone.mp4", duration_s=9, has_video=True, has_sound=True)
    ana = old.annotator("Ana")
    clip = old.add_clip(study.id, "a1" * 32, "x.mp4", duration_s=26, has_video=True, has_sound=True)
    new = NewVersion("base", ("happy", "sad"), file="model.pt")
    version = old.add_model_version(study.id, new)
    suggestion = SuggestionRecord(clip.id, version.id, 1, 2, {"happy": 0.6, "sad": 0.4}, 0.2, {"face": 1.0}, ())
    old.put_suggestions(clip.id, version.id, [suggestion])
    first = old.annotate(clip.id, ana.id, 1, 2, {"happy": 0.7}, note="smiles “so”", suggestion=suggestion)
    last = old.annotate(clip.id, ana.id, 3, 4, {"sad": 1.0})
    old.visit(clip.id, ana.id, 2.5)
    newest = old.add_clip(study.id, "c3" * 32, "newest.mp4", duration_s=9, has_video=True, has_sound=True)
    for unwanted in (gone, newest):
        old.delete_clip(unwanted.id)
        old.purge(unwanted.id)
    old.backup(tmp_path / "backup.sqlite3")

    url = new_url(target)
    other = Store(url)
    other.create_study("What was there before", ["bored"])
    other.close()
    kept = backup.restore(url, tmp_path / "backup.sqlite3", tmp_path / "kept")
    assert kept is not None
    before = Store(f"sqlite:///{kept}")
    assert [each.name for each in before.studies()] == ["What was there before"]
    before.close()

    store = Store(url)
    assert store.studies() == [study]
    assert store.clips(study.id) == old.clips(study.id)
    assert store.annotations(clip.id) == [first, last]
    assert store.suggestions(clip.id, version.id) == [suggestion]
    assert store.active_version(study.id) == version
    assert store.visits(study.id) == old.visits(study.id)
    assert store.events(study.id) == old.events(study.id)
    made = store.annotate(clip.id, ana.id, 5, 6, {"sad": 1.0})
    assert made.id == last.id + 1
    for _ in range(2):
        store.undo(study.id, ana.id)
    assert store.annotations(clip.id) == [first]
    assert store.annotator("Bob").id == ana.id + 1
    again = store.add_clip(study.id, "d4" * 32, "again.mp4", duration_s=9, has_video=True, has_sound=True)
    assert again.id == newest.id + 1, "the number of a clip that was purged is never given again"
    for change in ("UPDATE events SET actor = 'x'", "DELETE FROM events"):
        with pytest.raises(Exception, match="append-only"), writer(store._engine).begin() as connection:
            connection.exec_driver_sql(change)
    old.close()
    store.close()


def test_an_empty_database_is_restored_without_keeping_anything(new_url, file, tmp_path):
    for kind in KINDS:
        url = new_url(kind)
        assert backup.restore(url, file, tmp_path) is None
        store = Store(url)
        assert [each.note for each in store.annotations()] == ["smiles “so”"]
        store.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_database_that_somebody_has_open_is_left_alone(new_url, file, tmp_path, kind):
    url = new_url(kind)
    store = Store(url)
    store.create_study("At work", ["bored"])
    with pytest.raises(AnnotationError, match=r"Somebody is at work on the database .*; stop the studio, then restore"):
        backup.restore(url, file, tmp_path / "kept")
    assert [each.name for each in store.studies()] == ["At work"]
    assert not list(tmp_path.rglob("*before*"))
    store.close()
    assert backup.restore(url, file, tmp_path / "kept") is not None


@pytest.mark.parametrize("kind", KINDS)
def test_an_interrupted_restore_leaves_the_old_database_whole(new_url, file, tmp_path, kind):
    url = new_url(kind)
    store = Store(url)
    old = store.create_study("Old", ["bored"])
    clip = store.add_clip(old.id, "a1" * 32, "x.mp4", duration_s=9, has_video=True, has_sound=True)
    mine = store.annotate(clip.id, store.annotator("Ana").id, 1, 2, {"bored": 1.0})
    store.close()
    names = set()
    for number in range(100):
        restoring = multiprocessing.get_context("forkserver").Process(
            target=backup.restore, args=(url, file, tmp_path / "kept")
        )
        restoring.start()
        time.sleep(0.05 * number)
        restoring.kill()
        restoring.join()
        store = Store(url)
        study = store.studies()[0]
        assert store.annotations() == ([mine] if study == old else store.annotations(study_id=study.id))
        assert [each.kind for each in store.events(study.id)][-1] == "annotation created"
        store.close()
        names.add(study.name)
        if study != old:
            break
    assert names == {"Old", "Demo"}


def test_a_command_makes_a_backup_and_another_restores_it(tmp_path, monkeypatch, capfd):
    home, made = tmp_path / "home", tmp_path / "made.sqlite3"
    monkeypatch.setenv("STF2M_HOME", str(home))
    monkeypatch.delenv("STF2M_DATABASE_URL", raising=False)

    def create(name: str) -> None:
        store = Store(f"sqlite:///{home / 'studio.sqlite3'}")
        store.create_study(name, ["happy"])
        store.close()

    create("First")
    assert main(["backup", "--out", str(made)]) == 0
    assert capfd.readouterr().out == (
        f"All studies are in {made}. Videos, tracks and models are not: copy the folder {home} as well.\n"
    )
    create("Second")
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert main(["restore", str(made)]) == 2
    assert capfd.readouterr().err == "Stopped.\n"
    assert names_in(home / "studio.sqlite3") == ["First", "Second"]
    assert main(["restore", str(made), "--yes"]) == 0
    said = capfd.readouterr().out
    assert (
        f"{made} is in sqlite:///{home / 'studio.sqlite3'} now. What was there before is in {home}/studio-before-"
        in said
    )
    assert names_in(home / "studio.sqlite3") == ["First"]
    assert [names_in(each) for each in home.glob("studio-before-*.sqlite3")] == [["First", "Second"]]


def names_in(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as opened:
        return [name for (name,) in opened.execute("SELECT name FROM studies ORDER BY id")]


def spoil(file: Path, kind: str) -> None:
    if kind == "text":
        file.write_text("This is a shopping list, not a database.")
    elif kind == "gone":
        file.unlink()
    elif kind == "cut":
        os.truncate(file, file.stat().st_size // 2)
    elif kind == "scratched":
        with file.open("r+b") as opened:
            opened.seek(3 * 4096)
            opened.write(os.urandom(8 * 4096))
    else:
        with closing(sqlite3.connect(file, isolation_level=None)) as opened:
            opened.execute(
                "UPDATE alembic_version SET version_num = '9999'" if kind == "newer" else "DROP TABLE events"
            )


@pytest.mark.parametrize("target", KINDS)
@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("text", "backup.sqlite3 is no backup of a studio."),
        ("gone", "backup.sqlite3 cannot be read: No such file or directory."),
        ("cut", "backup.sqlite3 is damaged (database disk image is malformed); take another backup."),
        ("scratched", "backup.sqlite3 is damaged ("),
        ("newer", "backup.sqlite3 was made by a newer studio; install that one first."),
        ("another program's", "backup.sqlite3 is no backup of a studio."),
    ],
)
def test_what_is_no_good_backup_is_refused_and_changes_nothing(new_url, file, tmp_path, kind, sentence, target):
    url = new_url(target)
    store = Store(url)
    study = store.create_study("Mine", ["bored"])
    store.close()
    spoil(file, kind)
    with pytest.raises(AnnotationError) as refusal:
        backup.restore(url, file, tmp_path / "kept")
    assert sentence in str(refusal.value)
    store = Store(url)
    assert store.studies() == [study]
    store.close()
    assert not list(tmp_path.rglob("*before*"))


def test_a_backup_of_an_older_studio_is_brought_to_todays_tables(file, sqlite_url, tmp_path):
    old = Store(f"sqlite:///{file}")
    with writer(old._engine).begin() as connection:
        command.downgrade(migrations.configuration(connection), "0001")
    old.close()
    backup.restore(sqlite_url, file, tmp_path)
    store = Store(sqlite_url)
    assert [each.note for each in store.annotations()] == ["smiles “so”"]
    store.close()


def test_a_damaged_database_is_kept_as_it_is_and_replaced(file, sqlite_url, tmp_path):
    database = tmp_path / "studio.sqlite3"
    database.write_bytes(b"This was a database once." * 500)
    kept = backup.restore(sqlite_url, file, tmp_path)
    assert kept is not None
    assert kept.read_bytes().startswith(b"This was a database once.")
    store = Store(sqlite_url)
    assert [each.note for each in store.annotations()] == ["smiles “so”"]
    store.close()


def test_a_backup_never_writes_over_a_file_and_names_a_folder_that_is_not_there(store, tmp_path):
    there = tmp_path / "there.sqlite3"
    there.write_text("precious")
    with pytest.raises(AnnotationError, match=r"there\.sqlite3 is there already; choose another name\."):
        store.backup(there)
    assert there.read_text() == "precious"
    with pytest.raises(AnnotationError, match=r"x\.sqlite3 cannot be written: No such file or directory\."):
        store.backup(tmp_path / "no" / "x.sqlite3")


def test_a_damaged_database_is_not_passed_off_as_a_backup(file, tmp_path):
    store = Store(f"sqlite:///{file}")
    spoil(file, "scratched")
    with pytest.raises(StoreError, match=r"The database .* does not work: "):
        store.backup(tmp_path / "copy.sqlite3")
    assert not (tmp_path / "copy.sqlite3").exists()
    store.close()
