"""Databases to test on: SQLite always, PostgreSQL where its server is installed."""

import os
import shutil
import socket
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import sqlalchemy

from annotations.records import AnnotatorRecord, ClipRecord, StudyRecord
from annotations.store import Store


class Server(NamedTuple):
    port: int

    def new_database(self) -> str:
        """The URL of an empty schema, which costs less than a database of its own."""
        name, url = f"test_{uuid.uuid4().hex}", f"postgresql+psycopg://studio@127.0.0.1:{self.port}/postgres"
        admin = sqlalchemy.create_engine(url)
        with admin.begin() as connection:
            connection.exec_driver_sql(f"CREATE SCHEMA {name}")
        admin.dispose()
        return f"{url}?options=-csearch_path%3D{name}"


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Debian's PostgreSQL, started for the tests on loopback. The server refuses to run as root."""
    pytest.importorskip("psycopg")
    found = [*Path("/usr/lib/postgresql").glob("*/bin/initdb"), *filter(None, [shutil.which("initdb")])]
    if not found:
        pytest.skip("PostgreSQL's server is not installed here.")
    programs = Path(found[0]).resolve().parent
    user = "postgres" if os.geteuid() == 0 else None
    folder = Path("/tmp") / f"stf2m-postgresql-{uuid.uuid4().hex}"
    folder.mkdir()
    if user:
        shutil.chown(folder, user)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    make = [programs / "initdb", "-D", folder / "data", "-U", "studio", "-A", "trust", "-E", "UTF8", "--no-sync"]
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    control = [programs / "pg_ctl", "-D", folder / "data", "-w", "-l", folder / "log"]
    try:
        subprocess.run(make, user=user, cwd=folder, check=True, capture_output=True)
        subprocess.run([*control, "-o", options, "start"], user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        try:
            yield Server(port)
        finally:
            stop = [*control, "-m", "immediate", "stop"]
            subprocess.run(stop, user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'studio.sqlite3'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database of either kind."""
    if request.param == "sqlite":
        return request.getfixturevalue("sqlite_url")
    return request.getfixturevalue("postgresql").new_database()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = Store(url)
    yield opened
    opened.close()


@pytest.fixture
def study(store: Store) -> StudyRecord:
    return store.create_study("Demo", ["angry", "happy", "sad"])


@pytest.fixture
def clip(store: Store, study: StudyRecord) -> ClipRecord:
    return store.add_clip(study.id, "a1" * 32, "speech.mp4", duration_s=26.0, has_video=True, has_sound=True)


@pytest.fixture
def ana(store: Store) -> AnnotatorRecord:
    return store.annotator("Ana")


@pytest.fixture
def bob(store: Store) -> AnnotatorRecord:
    return store.annotator("Bob")
