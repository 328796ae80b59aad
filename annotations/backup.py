"""Backups: all of a database in one SQLite file, taken while people work, and put back into either kind of database.

So a backup is also the way from SQLite to PostgreSQL and back. Videos, tracks and models are files in the studio's
folder, not in the database, and not in a backup of it.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from alembic import command
from sqlalchemy import Connection, Engine, Table, exists, func, insert, make_url, select, text

from annotations import engine, migrations
from annotations.records import AnnotationError, StoreError
from annotations.schema import Base

#: Rows that are read and written at a time.
_ROWS = 1000
#: What SQLite may have beside a database.
_BESIDE = ("", "-wal", "-shm", "-journal")


def take(source: Engine, file: Path) -> None:
    """Write all that is in a database at one moment into a new SQLite file, while others go on working on it.

    Raises :class:`AnnotationError` where the file is there already or cannot be written, and :class:`StoreError` where
    the database does not work.
    """
    with _new(file) as part, engine.plain_errors(source):
        if source.dialect.name == "sqlite":
            with source.connect() as connection:
                _copy_file(cast(sqlite3.Connection, connection.connection.driver_connection), part)
        else:
            with source.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
                _dump(connection, part)


def restore(url: str, file: Path, keep_in: Path) -> Path | None:
    """Put a backup in the place of all that is in the database at ``url``; where that fails, nothing is changed.

    Returns the backup of what was there before (None: nothing), which lies beside an SQLite database, else in the
    folder ``keep_in``. Raises :class:`AnnotationError` where the file is no backup, damaged or a newer studio's, or
    where somebody is at work on the database, and :class:`StoreError` where the database does not work.
    """
    target = engine.connect(url)
    sqlite = target.dialect.name == "sqlite"
    database = Path(make_url(url).database or "").absolute()
    folder = database.parent if sqlite else keep_in
    kept = folder / f"{database.stem}-before-{datetime.now():%Y%m%d-%H%M%S}.sqlite3"
    try:
        with _checked(file, folder) as backup, engine.plain_errors(target):
            return _into_sqlite(backup, database, kept) if sqlite else _into_postgresql(backup, target, kept)
    finally:
        target.dispose()


def _into_sqlite(backup: Path, database: Path, kept: Path) -> Path | None:
    """SQLite writes all pages in one transaction: who is killed in the middle leaves the old database."""
    there = database.is_file()
    if there:
        try:
            with closing(sqlite3.connect(database)) as live, _new(kept) as part:
                live.execute("PRAGMA journal_mode = DELETE")  # fails while anybody has the database open
                _copy_file(live, part)
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise _at_work(database.name) from error
            raise
        except sqlite3.DatabaseError:  # it cannot even be read: the files themselves are kept
            for suffix in _BESIDE:
                if (file := Path(f"{database}{suffix}")).exists():
                    file.rename(f"{kept}{suffix}")
    with closing(sqlite3.connect(backup)) as source, closing(sqlite3.connect(database)) as live:
        source.backup(live)
    return kept if there else None


def _into_postgresql(backup: Path, target: Engine, kept: Path) -> Path | None:
    """One transaction, with the lock of all writers."""
    migrations.upgrade(target)
    with engine.writer(target).begin() as connection:
        if not engine.is_alone(connection):
            raise _at_work(str(target.url.database))
        tables = Base.metadata.sorted_tables
        there = any(connection.scalar(select(exists(select(table)))) for table in tables)
        if there:
            with _new(kept) as part:
                _dump(connection, part)
        configuration = migrations.configuration(connection)
        command.downgrade(configuration, "base")
        command.upgrade(configuration, "head")
        with _sqlite(backup) as source, source.connect() as rows:
            _copy_rows(rows, connection)
    return kept if there else None


def _at_work(name: str) -> AnnotationError:
    return AnnotationError(f"Somebody is at work on the database {name}; stop the studio, then restore.")


@contextmanager
def _new(file: Path) -> Iterator[Path]:
    """A file to be written, which is given its name once it is whole."""
    if file.exists():
        raise AnnotationError(f"{file} is there already; choose another name.")
    try:
        with TemporaryDirectory(prefix=".backup-", dir=file.parent) as folder:
            part = Path(folder, "backup.sqlite3")
            yield part
            part.rename(file)
    except OSError as error:
        raise AnnotationError(f"{file} cannot be written: {error.strerror}.") from error


@contextmanager
def _checked(file: Path, folder: Path) -> Iterator[Path]:
    """A copy of a backup in ``folder``, found to be whole and brought to today's tables."""
    try:
        with file.open("rb") as opened:
            is_sqlite = opened.read(16) == b"SQLite format 3\0"
    except OSError as error:
        raise AnnotationError(f"{file} cannot be read: {error.strerror}.") from error
    if not is_sqlite:
        raise AnnotationError(f"{file} is no backup of a studio.")
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".restore-", dir=folder) as made:
        copy = Path(made, "backup.sqlite3")
        try:
            with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as source:
                _copy_file(source, copy)
        except sqlite3.DatabaseError as error:
            raise AnnotationError(f"{file} is damaged ({error}); take another backup.") from error
        with closing(sqlite3.connect(copy)) as opened:
            names = {name for (name,) in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not {"alembic_version", "studies", "events"} <= names:
            raise AnnotationError(f"{file} is no backup of a studio.")
        try:
            with _sqlite(copy) as upgraded:
                migrations.upgrade(upgraded)
        except StoreError as error:
            raise AnnotationError(f"{file} was made by a newer studio; install that one first.") from error
        yield copy


@contextmanager
def _sqlite(file: Path) -> Iterator[Engine]:
    opened = engine.connect(f"sqlite:///{file}")
    try:
        yield opened
    finally:
        opened.dispose()


def _copy_file(source: sqlite3.Connection, file: Path) -> None:
    """All pages of a database at one moment, as one file without a log beside it.

    Raises ``sqlite3.DatabaseError`` where the database is damaged.
    """
    with closing(sqlite3.connect(file)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")
        found = copy.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if found != "ok":
            raise sqlite3.DatabaseError(found)


def _dump(source: Connection, file: Path) -> None:
    """All rows that a transaction sees, in a new SQLite database."""
    with _sqlite(file) as made:
        migrations.upgrade(made)
        with engine.writer(made).begin() as target:
            _copy_rows(source, target)
    with closing(sqlite3.connect(file)) as written:
        written.execute("PRAGMA journal_mode = DELETE")


def _copy_rows(source: Connection, target: Connection) -> None:
    """All rows from one kind of database to another; new rows go on with the numbers after those ever given."""
    for table in Base.metadata.sorted_tables:
        rows = source.execute(select(table).order_by(table.c.id).execution_options(yield_per=_ROWS))
        for part in rows.mappings().partitions():
            target.execute(insert(table), [dict(row) for row in part])
        _go_on_after(target, table, _last_number(source, table))


def _last_number(source: Connection, table: Table) -> int | None:
    """The highest id that a table has ever had; None for one that never had any."""
    if source.dialect.name == "sqlite":
        given = text("SELECT seq FROM sqlite_sequence WHERE name = :table")
    else:
        given = text("SELECT pg_sequence_last_value(pg_get_serial_sequence(:table, 'id'))")
    return source.scalar(given, {"table": table.name}) or source.scalar(select(func.max(table.c.id)))


def _go_on_after(target: Connection, table: Table, last: int | None) -> None:
    if last is None:
        return
    if target.dialect.name == "postgresql":
        go_on = ["SELECT setval(pg_get_serial_sequence(:table, 'id'), :last)"]
    elif table.dialect_options["sqlite"]["autoincrement"]:
        go_on = [
            "DELETE FROM sqlite_sequence WHERE name = :table",
            "INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :last)",
        ]
    else:
        return  # SQLite goes on after the highest id that is there
    for statement in go_on:
        target.execute(text(statement), {"table": table.name, "last": last})
