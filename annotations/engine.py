"""From a URL to an engine: SQLite set up so that nothing acknowledged is lost, or PostgreSQL by the same code.

SQLite keeps a write-ahead log on a local disk, and the rollback journal on a network mount, where the shared memory
that the write-ahead log needs does not work. Either way every commit is flushed to the disk before it is acknowledged.
Writers take the write lock when they begin, never in the middle: so no write fails because another one came between.
"""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import ConnectionPoolEntry

from annotations.records import StoreError
from annotations.turns import queue

#: How long a writer waits for another one, seconds.
BUSY_S = 30.0
#: What each connection to SQLite keeps of the file in memory, KiB: the system keeps it as well, once for all of them,
#: and a demo has thirty databases with several connections each.
CACHE_KIB = 512

#: How long PostgreSQL may take to notice that a program has ended, seconds.
_LEAVING_S = 2.0

#: The one advisory lock of all writers on PostgreSQL: one write at a time, so events commit in the order of their ids.
_WRITERS = 0x57F2
#: The advisory lock that every connection to a PostgreSQL schema shares.
_PRESENT = f"{0x57F3}, hashtext(current_schema())"

_NETWORK = (
    "nfs",
    "cifs",
    "smb",
    "9p",
    "ceph",
    "gluster",
    "lustre",
    "afs",
    "beegfs",
    "fuse",
    "virtiofs",
    "ncpfs",
    "gpfs",
)
#: Mounted through FUSE, but a disk of this machine.
_LOCAL_FUSE = ("fuseblk", "fuse.fuse-overlayfs")


def connect(url: str) -> Engine:
    """The engine for a database URL; its transactions only read.

    Raises :class:`StoreError` where the URL is not one, its driver is missing or its folder cannot be made.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreError(f"{url!r} is not a database URL such as sqlite:///folder/studio.sqlite3.") from error
    family = parsed.get_backend_name()
    if family == "sqlite":
        return _sqlite(parsed)
    if family in ("postgresql", "postgres"):
        return _postgresql(parsed)
    raise StoreError(f"The database must be SQLite or PostgreSQL, not {family}.")


def writer(engine: Engine) -> Engine:
    """The same engine and connections, but every transaction holds the one write lock from its beginning."""
    return engine.execution_options(writes=True)


def turns(engine: Engine) -> AbstractContextManager[None]:
    """What a writer is in from before its transaction begins until it has ended: a queue on SQLite."""
    if engine.dialect.name != "sqlite":
        return nullcontext()  # PostgreSQL lets those who wait for a lock come in their order
    return queue(Path(f"{engine.url.database}-queue"))


@contextmanager
def plain_errors(engine: Engine) -> Iterator[None]:
    """Any failure of the database becomes a :class:`StoreError` of one plain sentence."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        reason = next(iter(str(cause).strip().splitlines()), type(cause).__name__).rstrip(".")
        raise StoreError(f"The database {engine.url.database} does not work: {reason}.") from error
    except PoolTimeoutError as error:
        raise StoreError("The database is too busy; please try again.") from error
    except OSError as error:  # of the file beside it in which writers queue
        raise StoreError(f"The database {engine.url.database} does not work: {error.strerror or error}.") from error


def is_alone(connection: Connection) -> bool:
    """Whether nobody else is connected to this PostgreSQL schema; nobody can be until the transaction ends.

    Waits a little for connections that are being closed.
    """
    alone = text(f"SELECT pg_try_advisory_xact_lock({_PRESENT})")
    deadline = time.monotonic() + _LEAVING_S
    while not connection.scalar(alone):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def file_system(path: Path, mounts: str) -> str:
    r"""The type of the file system that holds ``path``, from the text of ``/proc/mounts``; empty where unknown.

    >>> file_system(Path("/data/x"), "disk / ext4 rw 0 0\nserver:/a /data nfs4 rw 0 0")
    'nfs4'
    """
    found, deepest = "", -1
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        folder = Path(fields[1].replace("\\040", " "))
        if len(folder.parts) >= deepest and path.is_relative_to(folder):
            found, deepest = fields[2], len(folder.parts)
    return found


def is_network(kind: str) -> bool:
    """Whether a file system of this type is, or may be, on another machine."""
    return kind not in _LOCAL_FUSE and kind.startswith(_NETWORK)


def journal_mode(path: Path) -> str:
    """The journal that suits the disk under ``path``: ``WAL``, or ``DELETE`` on a network mount."""
    mounts = Path("/proc/mounts")
    if not mounts.is_file():
        return "WAL"
    return "DELETE" if is_network(file_system(path.resolve(), mounts.read_text("utf-8", "replace"))) else "WAL"


def _sqlite(url: URL) -> Engine:
    if not url.database or url.database == ":memory:" or url.query:
        raise StoreError("The studio keeps its database in a file; give a URL such as sqlite:///folder/studio.sqlite3.")
    path = Path(url.database).absolute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"The folder {path.parent} for the database cannot be made: {error.strerror}.") from error
    journal = journal_mode(path)
    engine = create_engine(
        url,
        connect_args={"timeout": BUSY_S, "check_same_thread": False},
        json_serializer=_to_json,
        pool_size=8,
        max_overflow=56,
        pool_timeout=BUSY_S,
        pool_use_lifo=True,  # what was used last knows most; the others stay small
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # the transactions are begun below, not by the driver
        connection.execute("PRAGMA foreign_keys = ON")
        _set_journal(connection, journal)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _set_journal(connection: sqlite3.Connection, wanted: str) -> None:
    """Set the journal. SQLite itself does not wait for other connections here, and keeps the old one if it must."""
    deadline = time.monotonic() + BUSY_S
    while connection.execute("PRAGMA journal_mode").fetchone()[0].upper() != wanted:
        try:
            if connection.execute(f"PRAGMA journal_mode = {wanted}").fetchone()[0].upper() != wanted:
                return  # a disk that cannot have a write-ahead log: the rollback journal is as safe, only slower
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _postgresql(url: URL) -> Engine:
    try:
        engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            json_serializer=_to_json,
            pool_size=8,
            max_overflow=56,
            pool_timeout=BUSY_S,
            pool_pre_ping=True,
        )
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise StoreError("PostgreSQL needs one more package: pip install 'psycopg[binary]'.") from error

    @event.listens_for(engine, "connect")
    def _be_present(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        connection.cursor().execute(f"SELECT pg_advisory_lock_shared({_PRESENT})")
        connection.commit()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if connection.get_execution_options().get("writes", False):
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS})")

    return engine


_to_json = partial(json.dumps, ensure_ascii=False, allow_nan=False)
