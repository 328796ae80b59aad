import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import annotations
from annotations import engine, migrations
from annotations.records import StoreError
from annotations.schema import Base
from annotations.store import Store

ROOT = Path(annotations.__file__ or "").resolve().parents[1]


def test_the_migrations_make_exactly_the_tables_of_the_models(store):
    with store._engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
        tables = sqlalchemy.inspect(connection)
        for table in Base.metadata.sorted_tables:
            named = {check["name"] for check in tables.get_check_constraints(table.name)}
            assert named == {c.name for c in table.constraints if isinstance(c, sqlalchemy.CheckConstraint)}


def test_the_first_step_can_be_taken_back(store):
    with engine.writer(store._engine).begin() as connection:
        command.downgrade(migrations.configuration(connection), "base")
    with store._engine.connect() as connection:
        assert sqlalchemy.inspect(connection).get_table_names() == ["alembic_version"]
    migrations.upgrade(store._engine)
    assert store.studies() == []


def test_a_database_of_a_newer_studio_is_left_alone(url):
    store = Store(url)
    with engine.writer(store._engine).begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    store.close()
    with pytest.raises(StoreError, match="A newer studio has written this database"):
        Store(url)


def test_processes_that_start_at_once_make_one_database(url):
    start = "import sys; from annotations.store import Store; print(Store(sys.argv[1]).annotator('Ana').id)"
    starting = [
        subprocess.Popen([sys.executable, "-c", start, url], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    answers = [process.communicate(timeout=120) for process in starting]
    assert [answer[0].strip() for answer in answers] == [b"1"] * 4, answers


def test_an_installed_tree_that_nobody_may_write_to_works(tmp_path):
    installed = tmp_path / "site-packages" / "annotations"
    shutil.copytree(ROOT / "annotations", installed, ignore=shutil.ignore_patterns("__pycache__"))
    for folder, _, files in os.walk(tmp_path / "site-packages"):
        for file in files:
            os.chmod(os.path.join(folder, file), 0o444)
        os.chmod(folder, 0o555)
    start = "import sys; from annotations import store; print(store.__file__); store.Store(sys.argv[1])"
    environment = {**os.environ, "PYTHONPATH": str(installed.parent)}
    drop = ["setpriv", "--bounding-set=-dac_override", "--"] if os.geteuid() == 0 and shutil.which("setpriv") else []
    answer = subprocess.run(
        [*drop, sys.executable, "-c", start, f"sqlite:///{tmp_path / 'home' / 'studio.sqlite3'}"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.strip() == str(installed / "store.py")
    assert not list(installed.rglob("__pycache__"))


def test_a_database_of_the_first_release_keeps_all_its_data(store, study, clip, ana):
    label = store.annotate(clip.id, ana.id, 1.0, 2.5, {study.emotions[0].name: 1.0}, note="sees the letter")
    with engine.writer(store._engine).begin() as connection:
        command.downgrade(migrations.configuration(connection), "0001")
        columns = {each["name"] for each in sqlalchemy.inspect(connection).get_columns("annotators")}
        assert "kind" not in columns, "the first release knew no kinds of annotators"
    with store._engine.connect() as connection:
        logged = connection.exec_driver_sql("SELECT count(*) FROM events").scalar_one()

    upgraded = Store(store._engine.url.render_as_string(hide_password=False))
    try:
        assert upgraded.studies() == [study]
        assert upgraded.clips(study.id) == [clip]
        assert upgraded.annotators() == [ana]
        assert upgraded.annotations(clip_id=clip.id) == [label]
        assert sum(upgraded.count_events().values()) == logged
        changed = upgraded.change(label.id, label.version, ana.id, note="reads it")
        assert [each.kind for each in upgraded.history(label.id)] == ["annotation created", "annotation changed"]
        upgraded.undo(study.id, ana.id)
        assert upgraded.annotation(label.id).note == "sees the letter"
        assert changed.version == label.version + 1
        assert upgraded.visit(clip.id, ana.id, 1.5).position_s == 1.5
    finally:
        upgraded.close()
