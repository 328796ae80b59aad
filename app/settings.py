"""The settings of the studio: one typed class, every value from an ``STF2M_*`` environment variable."""

import os
from pathlib import Path
from typing import Any, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

#: One studio for all who reach it, a studio of their own for every visitor, or one for those who have signed in.
Mode = Literal["studio", "demo", "team"]
#: A browser keeps a recording in memory until it is sent, seconds.
LONGEST_RECORDING_S = 600.0


def _on_space() -> bool:
    return "SPACE_ID" in os.environ


def _home() -> Path:
    """Where the studio keeps its things: the persistent disk of a Space where there is one, else ``./data``.

    On a Space whose code lies where nothing can be written, it is in the user's home.
    """
    if not _on_space():
        return Path("data")
    persistent, beside = Path("/data"), Path("data")
    if persistent.is_dir() and os.access(persistent, os.W_OK):
        return persistent
    return beside if os.access(Path.cwd(), os.W_OK) else Path.home() / "data"


def _in_demo(demo: float, otherwise: float) -> Any:
    return lambda before: demo if before.get("mode") == "demo" else otherwise


class Settings(BaseSettings):
    """Everything a person who runs the studio may want to change.

    >>> Settings(max_minutes=5).max_seconds
    300.0
    """

    model_config = SettingsConfigDict(env_prefix="STF2M_", extra="ignore")

    mode: Mode = Field(
        default_factory=lambda: "demo" if _on_space() else "studio",
        description="studio: one for all who reach it; demo: every visitor has one of their own; team: with login.",
    )
    home: Path = Field(default_factory=_home, description="Folder of the database, the clips and the caches.")
    database_url: str = Field(default="", description="SQLAlchemy URL; empty: SQLite in the home folder.")
    max_minutes: float = Field(
        default_factory=_in_demo(2.0, 60.0), gt=0, description="Longest clip that is accepted, minutes."
    )
    max_megabytes: float = Field(
        default_factory=_in_demo(64.0, 1024.0), gt=0, description="Largest file that is accepted, MiB."
    )
    max_uploads: int = Field(default=5, gt=0, description="So many videos a visitor of the demo may add.")
    max_visitors: int = Field(default=40, gt=0, description="So many visitors may be in the demo at once.")
    visit_minutes: float = Field(default=60.0, gt=0, description="A visit to the demo ends after so long, minutes.")
    backup_hours: float = Field(default=0.0, ge=0, description="A backup every so many hours; 0: none by itself.")
    backups_kept: int = Field(default=14, gt=0, description="So many of these backups are kept.")
    segment_s: float = Field(default=2.0, gt=0.1, description="Length of a segment, seconds.")
    hop_s: float = Field(default=0.5, gt=0.05, description="One segment starts every so many seconds.")
    checkpoint: str = Field(default="", description="Folder of another model checkpoint; empty: the shipped one.")
    whisper: str = Field(
        default="", description="Folder of another CTranslate2 Whisper (multilingual, say); empty: the packaged one."
    )
    language: str = Field(default="en", description="Language of speech recognition, as Whisper names it.")

    @property
    def max_seconds(self) -> float:
        """The longest clip in seconds."""
        return self.max_minutes * 60.0

    @property
    def longest_recording_s(self) -> float:
        """A recording from the camera ends by itself after so many seconds: a little before a clip is too long."""
        return min(self.max_seconds, LONGEST_RECORDING_S) - 1.0

    @property
    def max_bytes(self) -> int:
        """The largest file in bytes."""
        return int(self.max_megabytes * 2**20)

    @property
    def limits(self) -> str:
        """What may be added, in a sentence to be read before adding."""
        size = f"{self.max_megabytes:g} MB" if self.max_megabytes < 1024 else f"{self.max_megabytes / 1024:g} GB"
        clip = f"up to {self.max_minutes:g} min and {size}"
        if self.mode != "demo":
            return f"Videos of {clip}."
        return (
            f"In this demo: {self.max_uploads} videos, each {clip}. Nobody else sees them. They are deleted when you "
            f"leave, at the latest after {self.visit_minutes:g} min."
        )

    @property
    def database(self) -> str:
        """The URL of the database in use."""
        return self.database_url or f"sqlite:///{self.home.resolve() / 'studio.sqlite3'}"
