"""A small disk of its own, to be filled and broken: a file with an ext4 file system in it. Linux and root only."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Disk:
    """``folder`` is where it is mounted. Everything in it is really written to a file beside it."""

    def __init__(self, image: Path, folder: Path) -> None:
        self.folder = folder
        self._image = image

    @classmethod
    @contextmanager
    def made(cls, place: Path, megabytes: int) -> Iterator["Disk"]:
        """A fresh one in the folder ``place`` until the block ends, when nothing may be open on it any more."""
        image, folder = place / "disk.img", place / "disk"
        folder.mkdir()
        with image.open("wb") as file:
            file.truncate(megabytes * 2**20)
        _run("mkfs.ext4", "-q", "-m", "0", image)
        disk = cls(image, folder)
        disk._mount()
        try:
            yield disk
        finally:
            _run("umount", folder)

    @contextmanager
    def full(self) -> Iterator[None]:
        """Not a byte is left while the block runs."""
        filler = self.folder / "filler"
        with filler.open("wb", buffering=0) as file:
            for size in (2**20, 4096):
                try:
                    while file.write(bytes(size)):
                        pass
                except OSError:
                    pass
        try:
            yield
        finally:
            filler.unlink()

    def fail(self) -> None:
        """Break it as worn-out disks break: the kernel finds an error and lets nobody write any more."""
        device = Path(_run("findmnt", "-no", "SOURCE", self.folder).strip()).name
        os.sync()
        Path(f"/sys/fs/ext4/{device}/trigger_fs_error").write_text("1")

    def repair(self) -> None:
        """Repair it, with nothing open on it, and mount it again."""
        _run("umount", self.folder)
        _run("e2fsck", "-p", "-f", self._image, fine=(0, 1))
        self._mount()

    def _mount(self) -> None:
        _run("mount", "-o", "loop,errors=remount-ro", self._image, self.folder)
        shutil.rmtree(self.folder / "lost+found", ignore_errors=True)


def _run(*command: str | Path, fine: tuple[int, ...] = (0,)) -> str:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if done.returncode not in fine:
        raise OSError(f"{command[0]}: {done.stderr.strip()}")
    return done.stdout
