"""The settings of the studio: one typed class, every value from an ``STF2M_*`` environment variable."""

import os
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


def _home() -> Path:
    """Where the studio keeps its things: the persistent disk of a Space where there is one, else ``./data``."""
    persistent = Path("/data")
    on_space = "SPACE_ID" in os.environ
    return persistent if on_space and persistent.is_dir() and os.access(persistent, os.W_OK) else Path("data")


class Settings(BaseSettings):
    """Everything a person who runs the studio may want to change.

    >>> Settings(max_minutes=5).max_seconds
    300.0
    """

    model_config = SettingsConfigDict(env_prefix="STF2M_", extra="ignore")

    home: Path = Field(default_factory=_home, description="Folder of the database, the clips and the caches.")
    database_url: str = Field(default="", description="SQLAlchemy URL; empty: SQLite in the home folder.")
    max_minutes: float = Field(default=60.0, gt=0, description="Longest clip that is accepted, minutes.")
    max_megabytes: float = Field(default=1024.0, gt=0, description="Largest file that is accepted, MiB.")
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
    def max_bytes(self) -> int:
        """The largest file in bytes."""
        return int(self.max_megabytes * 2**20)

    @property
    def database(self) -> str:
        """The URL of the database in use."""
        return self.database_url or f"sqlite:///{self.home.resolve() / 'studio.sqlite3'}"
