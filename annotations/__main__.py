"""The command line: import and export labels, measure how far people agree, back the database up and restore it.

The database is that of ``STF2M_DATABASE_URL``, else ``studio.sqlite3`` in ``STF2M_HOME`` (``./data`` by default).
"""

import json
import os
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import make_url

from annotations import backup as backups
from annotations import cremad, formats
from annotations.interchange import StudyFile
from annotations.records import AnnotationError, StoreError, StudyRecord
from annotations.store import Store

#: So many new clips are told by name.
MOST_NAMES = 10

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Import and export the labels of a study, measure how far people agree, back up and restore the database.",
    epilog="The database is that of STF2M_DATABASE_URL, else studio.sqlite3 in STF2M_HOME (./data by default).",
)

StudyName = Annotated[str, typer.Option("--study", help="Name of the study.")]


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A file of labels, or the folder of CREMA-D's votes.")],
    study: StudyName,
) -> None:
    """Add the labels of a file to a study, which is made where there is none of that name.

    The file may be CSV, JSON, Parquet, Label Studio's JSON, ELAN, TextGrid, WebVTT, SRT, or a ZIP archive of these.
    """
    data = None if file.is_dir() else _bytes(file)
    try:
        content = _folder(file) if data is None else formats.read(data, file.name)
        report = _open(must_exist=False).import_file(study, content)
    except AnnotationError as error:
        raise AnnotationError(f"{file.name}: {error}") from error
    typer.echo(f"{report.added} labels added to {report.study.name}, {report.there_already} were there already.")
    if report.clips:
        named = ", ".join(report.clips[:MOST_NAMES])
        more = f" and {len(report.clips) - MOST_NAMES} more" if len(report.clips) > MOST_NAMES else ""
        typer.echo(f"New clips without their video: {named}{more}.")
    if report.emotions:
        typer.echo(f"New emotions: {', '.join(report.emotions)}.")
    for sentence in report.left_out:
        typer.echo(sentence)


@app.command()
def export(
    study: StudyName,
    name: Annotated[str, typer.Option("--format", help=f"{', '.join(formats.FORMATS)}.")],
    out: Annotated[Path, typer.Option("--out", help="The file to write; - for standard output.")],
    clip: Annotated[str, typer.Option("--clip", help="Name of a clip, to write that one only.")] = "",
) -> None:
    """Write the labels of a study to a file, and say what the format cannot hold."""
    from annotations.exporting import export as written_as

    store = _open()
    written = written_as(store, _get(store, study).id, name, clip)
    _write(out, written.data)
    piped = str(out) == "-"
    if not piped:
        archive = ", a ZIP archive with a file per clip" if written.suffix == ".zip" else ""
        typer.echo(f"{written.labels} labels written to {out}{archive}.")
    for sentence in written.losses.sentences:
        typer.echo(sentence, err=piped)


@app.command()
def agreement(
    study: StudyName,
    out: Annotated[Path | None, typer.Option("--json", help="Write JSON to this file; - for standard output.")] = None,
) -> None:
    """How far the people of a study agree, per kind of rating: percent, kappas, alpha, AC1, overlap of boundaries."""
    from annotations import agreement as measuring

    store = _open()
    kinds = measuring.of_study(store, _get(store, study).id)
    if out is not None:
        content = {kind: measuring.as_json(each) for kind, each in kinds.items()}
        _write(out, (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode())
        return
    if not kinds:
        typer.echo(f"Nobody has labelled anything in {study}.")
    for kind, each in kinds.items():
        typer.echo(f"{kind}: " + "\n".join(measuring.as_text(each)))


@app.command()
def backup(
    out: Annotated[Path, typer.Option("--out", help="The file to make: one SQLite database.")],
) -> None:
    """Write all of the database to a new file, while people go on working."""
    with closing(_open()) as store:
        store.backup(out)
    typer.echo(f"All studies are in {out}. Videos, tracks and models are not: copy the folder {_home()} as well.")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A file that the command backup has made.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before.")] = False,
) -> None:
    """Replace all of the database by a backup; what was there before is kept. Stop the studio first."""
    url = _url()
    shown = make_url(url).render_as_string(hide_password=True)
    if not yes:
        typer.confirm(
            f"This replaces everything in {shown}. Is the studio stopped, and shall it be replaced?", abort=True
        )
    kept = backups.restore(url, file, _home())
    before = f" What was there before is in {kept}." if kept else ""
    typer.echo(f"{file} is in {shown} now.{before} Videos, tracks and models belong in the folder {_home()}.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command, by default the process's own; a mistake is one line on standard error and exit code 2."""
    try:
        return app(arguments, standalone_mode=False) or 0
    except typer.TyperException as error:
        message = error.format_message()
    except (AnnotationError, StoreError) as error:
        message = str(error)
    except (typer.Abort, KeyboardInterrupt):
        message = "Stopped."
    typer.echo(" ".join(message.split()), err=True)
    return 2


def _open(*, must_exist: bool = True) -> Store:
    if must_exist and not os.environ.get("STF2M_DATABASE_URL") and not _file().is_file():
        raise AnnotationError(f"There is no studio in {_home()}; set STF2M_HOME or STF2M_DATABASE_URL to where it is.")
    return Store(_url())


def _home() -> Path:
    return Path(os.environ.get("STF2M_HOME") or "data")


def _file() -> Path:
    return _home() / "studio.sqlite3"


def _url() -> str:
    return os.environ.get("STF2M_DATABASE_URL") or f"sqlite:///{_file().resolve()}"


def _get(store: Store, name: str) -> StudyRecord:
    there = {study.name: study for study in store.studies()}
    if name not in there:
        known = f"there are {', '.join(map(repr, there))}" if there else "there is none yet"
        raise AnnotationError(f"There is no study {name!r}; {known}.")
    return there[name]


def _folder(path: Path) -> StudyFile:
    if not cremad.recognise(path):
        raise AnnotationError(
            f"There are no votes of CREMA-D in it ({cremad.VOTES} or {cremad.RESPONSES}); no other folder can be read."
        )
    return cremad.read(path)


def _bytes(path: Path) -> bytes:
    """A file's content, read no further than what is refused for its size anyway."""
    try:
        with path.open("rb") as file:
            return file.read(formats.LARGEST + 1)
    except OSError as error:
        raise AnnotationError(f"{path} cannot be read: {error.strerror}.") from error


def _write(path: Path, data: bytes) -> None:
    if str(path) == "-":
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    try:
        path.write_bytes(data)
    except OSError as error:
        raise AnnotationError(f"{path} cannot be written: {error.strerror}.") from error


if __name__ == "__main__":
    sys.exit(main())
