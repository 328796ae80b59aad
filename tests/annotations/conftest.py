"""Databases to test on: SQLite always, PostgreSQL where its server is installed."""

import os
import shutil
import socket
import subprocess
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy

from annotations.records import AnnotatorRecord, ClipRecord, StudyRecord
from annotations.store import Store


class Server:
    """Debian's PostgreSQL on a free port of loopback, with its files in a folder of its own."""

    def __init__(self, programs: Path, folder: Path, settings: str):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self._folder = folder
        self._user = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root
        if self._user:
            shutil.chown(folder, self._user)
        self._control = [programs / "pg_ctl", "-D", folder / "data", "-w", "-l", folder / "log"]
        where = f"-p {self._port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
        self._settings = f"{where} -c max_connections=200 {settings}"
        self._run(
            [programs / "initdb", "-D", folder / "data", "-U", "studio", "-A", "trust", "-E", "UTF8", "--no-sync"]
        )

    def start(self) -> None:
        self._run([*self._control, "-o", self._settings, "start"])

    def kill(self) -> None:
        """Stop without any tidying up, as when the machine fails."""
        self._run([*self._control, "-m", "immediate", "stop"])

    def new_database(self) -> str:
        """The URL of an empty schema, which costs less than a database of its own."""
        name, url = f"test_{uuid.uuid4().hex}", f"postgresql+psycopg://studio@127.0.0.1:{self._port}/postgres"
        admin = sqlalchemy.create_engine(url)
        with admin.begin() as connection:
            connection.exec_driver_sql(f"CREATE SCHEMA {name}")
        admin.dispose()
        return f"{url}?options=-csearch_path%3D{name}"

    def _run(self, command: Sequence[str | Path]) -> None:
        subprocess.run(command, user=self._user, cwd=self._folder, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def _server(settings: str) -> Iterator[Server]:
    """A server that runs. Skips the test where none is installed."""
    pytest.importorskip("psycopg")
    found = [*Path("/usr/lib/postgresql").glob("*/bin/initdb"), *filter(None, [shutil.which("initdb")])]
    if not found:
        pytest.skip("PostgreSQL's server is not installed here.")
    folder = Path("/tmp") / f"stf2m-postgresql-{uuid.uuid4().hex}"
    folder.mkdir()
    try:
        server = Server(Path(found[0]).resolve().parent, folder, settings)
        server.start()
        try:
            yield server
        finally:
            server.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """The server of nearly all tests, which need not survive it."""
    with _server("-c fsync=off") as server:
        yield server


@pytest.fixture
def mortal_postgresql() -> Iterator[Server]:
    """A server to be killed: set up as Debian does it."""
    with _server("") as server:
        yield server


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
