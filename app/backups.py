"""Backups that make themselves: one every so many hours, of which the latest are kept."""

from datetime import UTC, datetime
from pathlib import Path

from annotations.store import Store
from app.regularly import keep_doing

#: How often it is looked whether one is due, seconds.
LOOK_S = 60.0


class Backups:
    """The folder ``backups`` of a studio's home; a backup is due when the latest is ``hours`` old."""

    def __init__(self, store: Store, home: Path, hours: float, keep: int) -> None:
        self._store = store
        self._folder = home / "backups"
        self._seconds = hours * 3600
        self._keep = keep

    def there(self) -> list[Path]:
        """The backups that there are, oldest first."""
        return sorted(self._folder.glob("studio-*.sqlite3"))

    def take_if_due(self, now: datetime) -> Path | None:
        """Take a backup where one is due, and let go of the oldest beyond those kept; returns the new one."""
        latest = max((each.stat().st_mtime for each in self.there()), default=0.0)
        if 0 <= now.timestamp() - latest < self._seconds:
            return None
        self._folder.mkdir(parents=True, exist_ok=True)
        made = self._folder / f"studio-{now:%Y-%m-%d-%H%M%S}.sqlite3"
        self._store.backup(made)
        for old in self.there()[: -self._keep]:
            old.unlink(missing_ok=True)
        return made

    def keep_taking(self) -> None:
        """Take them for as long as the program runs."""
        keep_doing("The backup", LOOK_S, lambda: self.take_if_due(datetime.now(UTC)))
