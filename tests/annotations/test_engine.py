import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from annotations import engine, turns
from annotations.records import StoreError
from annotations.store import Store

MOUNTS = """\
/dev/vda1 / ext4 rw,relatime 0 0
tmpfs /tmp tmpfs rw 0 0
server:/export /data nfs4 rw,relatime 0 0
//server/share /mnt/my\\040share cifs rw 0 0
hf-mount /data/local fuse.hf-mount rw 0 0
/dev/sdb1 /media/stick fuseblk rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "kind", "network"),
    [
        ("/home/ana/studio.sqlite3", "ext4", False),
        ("/tmp/studio.sqlite3", "tmpfs", False),
        ("/data/studio.sqlite3", "nfs4", True),
        ("/database/studio.sqlite3", "ext4", False),
        ("/mnt/my share/a/studio.sqlite3", "cifs", True),
        ("/data/local/studio.sqlite3", "fuse.hf-mount", True),
        ("/media/stick/studio.sqlite3", "fuseblk", False),
    ],
)
def test_network_mounts_are_told_from_disks(path: str, kind: str, network: bool):
    assert engine.file_system(Path(path), MOUNTS) == kind
    assert engine.is_network(kind) == network


def pragmas(store: Store) -> dict[str, object]:
    with store._engine.connect() as connection:
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "cache_size")
        return {name: connection.execute(text(f"PRAGMA {name}")).scalar() for name in names}


def test_a_local_database_keeps_a_write_ahead_log_and_flushes_every_commit(tmp_path: Path):
    store = Store(f"sqlite:///{tmp_path / 'new' / 'folder' / 'studio.sqlite3'}")
    durable = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}
    assert pragmas(store) == durable | {"cache_size": -512}, "thirty visitors have a database each"
    store.close()


def test_a_database_moved_to_a_network_mount_goes_over_to_the_rollback_journal(sqlite_url, monkeypatch):
    local = Store(sqlite_url)
    study = local.create_study("Demo", ["happy"])
    local.close()
    monkeypatch.setattr(engine, "journal_mode", lambda path: "DELETE")
    moved = Store(sqlite_url)
    assert pragmas(moved)["journal_mode"] == "delete"
    moved.rename_study(study.id, "Moved")
    assert [each.name for each in moved.studies()] == ["Moved"]
    moved.close()


def test_a_writer_waits_for_another_program_instead_of_failing(store, study, tmp_path):
    if store._engine.dialect.name != "sqlite":
        other = store._engine.raw_connection()
        other.cursor().execute(f"SELECT pg_advisory_xact_lock({engine._WRITERS})")
    else:
        other = sqlite3.connect(tmp_path / "studio.sqlite3", check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
    assert store.studies() == [study], "readers do not wait"
    with ThreadPoolExecutor(1) as pool:
        renamed = pool.submit(store.rename_study, study.id, "After the wait")
        with pytest.raises(TimeoutError):
            renamed.result(0.5)
        other.rollback()
        renamed.result(60)
    assert [each.name for each in store.studies()] == ["After the wait"]
    other.close()


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("studio.sqlite3", "'studio.sqlite3' is not a database URL such as sqlite:///folder/studio.sqlite3."),
        ("mysql://localhost/x", "The database must be SQLite or PostgreSQL, not mysql."),
        ("sqlite://", "The studio keeps its database in a file"),
        ("sqlite:///:memory:", "The studio keeps its database in a file"),
        ("postgresql://studio@127.0.0.1:1/x", "The database x does not work: connection failed"),
    ],
)
def test_a_url_that_leads_nowhere_is_answered_in_one_sentence(url: str, sentence: str):
    with pytest.raises(StoreError) as refusal:
        Store(url)
    assert str(refusal.value).startswith(sentence)
    assert "\n" not in str(refusal.value)


def test_what_is_no_database_is_left_alone(tmp_path: Path):
    file = tmp_path / "studio.sqlite3"
    file.write_bytes(b"This is a shopping list, not a database." * 50)
    with pytest.raises(StoreError, match=r"studio\.sqlite3 does not work: file is not a database"):
        Store(f"sqlite:///{file}")
    assert file.read_bytes().startswith(b"This is a shopping list")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match=r"The folder .*file/home for the database cannot be made: Not a directory"):
        Store(f"sqlite:///{tmp_path / 'file' / 'home' / 'studio.sqlite3'}")


def test_a_full_disk_loses_nothing_that_was_acknowledged(sqlite_url, tmp_path):
    store = Store(sqlite_url)
    study = store.create_study("Demo", ["happy"])
    clip = store.add_clip(study.id, "a1" * 32, "x.mp4", duration_s=9, has_video=True, has_sound=True)
    ana = store.annotator("Ana")
    kept = store.annotate(clip.id, ana.id, 1, 2, {"happy": 1.0})
    with store._engine.connect() as connection:
        pages = connection.execute(text("PRAGMA page_count")).scalar()
        connection.execute(text(f"PRAGMA max_page_count = {pages}"))
    refusal = ""
    while not refusal:
        try:
            kept = store.annotate(clip.id, ana.id, 1, 2, {"happy": 1.0}, note="x" * 1000)
        except StoreError as error:
            refusal = str(error)
    assert refusal.endswith("studio.sqlite3 does not work: database or disk is full.")
    store.close()
    again = Store(sqlite_url)
    assert again.annotations(clip.id)[-1] == kept
    again.close()
    assert os.path.getsize(tmp_path / "studio.sqlite3") > 0


def test_a_queue_of_writers_that_cannot_be_opened_is_told_in_one_sentence(sqlite_url, tmp_path):
    store = Store(sqlite_url)
    (tmp_path / "studio.sqlite3-queue").unlink()
    (tmp_path / "studio.sqlite3-queue").mkdir()
    with pytest.raises(StoreError, match=r"studio\.sqlite3 does not work: Is a directory\."):
        store.create_study("Demo", ["happy"])
    store.close()


def test_where_there_is_no_queue_for_all_processes_the_threads_of_one_still_take_turns(sqlite_url, monkeypatch):
    monkeypatch.setattr(turns, "fcntl", None)
    store = Store(sqlite_url)
    assert isinstance(store._turn, turns.Turns)
    assert store.create_study("Demo", ["happy"]).name == "Demo"
    store.close()
