"""What became of each hostile file, kept line by line, so that a run goes on where it was stopped."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from tests.hostile.feeding import Fed


class Record:
    """The files fed so far with one seed; each is written down as it comes. Without a path, only kept in memory."""

    def __init__(self, path: Path | None, seed: int) -> None:
        self._path, self._seed = path, seed
        self.fed = list(self._read())

    def add(self, fed: Fed) -> None:
        """Write down what became of the next file."""
        self.fed.append(fed)
        if self._path:
            with self._path.open("a", encoding="ascii") as file:
                file.write(json.dumps({"seed": self._seed, **asdict(fed)}) + "\n")

    def _read(self) -> Iterator[Fed]:
        lines = self._path.read_text(encoding="ascii").splitlines() if self._path and self._path.exists() else []
        for line in lines:
            content = json.loads(line)
            if content.pop("seed") != self._seed:
                raise SystemExit(f"{self._path} is the record of another seed; name another file.")
            yield Fed(**content)
