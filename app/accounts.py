"""Who may sign in to a team's studio, and what each may do there: ``python -m app accounts``.

Passwords are kept as salted hashes (scrypt, RFC 7914) in a file that only the studio's user can read, apart from the
database, so that no backup and no export holds them.
"""

import hashlib
import hmac
import json
import os
import secrets
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

from annotations import validation
from annotations.guarding import Deed, NotAllowed
from annotations.records import AnnotationError

Role = Literal["annotator", "reviewer", "admin"]

#: Cost of a hash: 16 MiB of memory and about 50 ms, which OWASP's sheet on keeping passwords asks for at least.
COST, BLOCK, PARALLEL = 2**14, 8, 5
SHORTEST = 8
#: What the studio does by itself when somebody asks for something that needs it: the lane of the consensus is made.
BY_ITSELF = ("annotator created",)
#: What everybody does on their own lane, and to themselves.
OWN = ("annotation", "visit", "annotator")
#: What everybody may do for all: learning from what people said changes no label, and each version can be gone back on.
EVERYBODY = ("model version",)
#: What only an admin does.
ADMINS = ("study", "settings", "clip", "backup")


@dataclass(frozen=True)
class Account:
    """One who may sign in; ``hash`` is of the password with the ``salt``, both as hexadecimal digits."""

    name: str
    role: Role
    salt: str
    hash: str


class Accounts:
    """The accounts of a studio, read again where their file has changed: a running studio sees what a command does."""

    def __init__(self, home: Path) -> None:
        self._file = home / "accounts.json"
        self._read: tuple[float | None, Mapping[str, Account]] = None, {}
        self._lock = threading.Lock()

    def all(self) -> Mapping[str, Account]:
        """Every account by name."""
        with self._lock:
            try:
                changed = self._file.stat().st_mtime_ns
            except FileNotFoundError:
                return {}
            if self._read[0] != changed:
                self._read = changed, self._accounts()
            return self._read[1]

    def add(self, name: str, role: Role, password: str) -> None:
        """A new account, or another role and password for one that is there. Raises :class:`AnnotationError`."""
        name = validation.name(name, "An account")
        if role not in get_args(Role):
            raise AnnotationError(f"The role is {', '.join(get_args(Role))}, not {role!r}.")
        if len(password) < SHORTEST:
            raise AnnotationError(f"A password has at least {SHORTEST} characters.")
        salt = secrets.token_bytes(16)
        self._write({**self.all(), name: Account(name, role, salt.hex(), _hash(password, salt).hex())})

    def remove(self, name: str) -> None:
        """Let somebody in no more, and change nothing where they are in; what they labelled stays.

        Raises :class:`AnnotationError` for an unknown name.
        """
        there = dict(self.all())
        if there.pop(name, None) is None:
            raise AnnotationError(f"There is no account {name!r}.")
        self._write(there)

    def check(self, name: str, password: str) -> bool:
        """Whether this is the password; takes as long for a name that is not there."""
        account = self.all().get(name)
        salt = bytes.fromhex(account.salt) if account else bytes(16)
        wanted = bytes.fromhex(account.hash) if account else bytes(64)
        return hmac.compare_digest(_hash(password, salt), wanted) and account is not None

    def role(self, name: str | None) -> Role | None:
        """What somebody is here; None for who has no account (any more)."""
        account = self.all().get(name or "")
        return account.role if account else None

    def _accounts(self) -> dict[str, Account]:
        try:
            found = json.loads(self._file.read_text(encoding="utf-8"))
            return {each["name"]: Account(**each) for each in found}
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            said = "is damaged; put a backup of it in its place, or delete it and add the accounts anew"
            raise AnnotationError(f"{self._file.name} {said}.") from error

    def _write(self, accounts: Mapping[str, Account]) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        part = self._file.with_suffix(".partial")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump([asdict(each) for each in accounts.values()], file, ensure_ascii=False, indent=1)
        part.replace(self._file)


def allow(deed: Deed, user: str, role: Role | None) -> None:
    """Let somebody who has signed in do what they may, under their own name. Raises :class:`NotAllowed` otherwise.

    Annotators label on their own lane; reviewers settle the consensus too; admins do everything, also on others' lanes.
    """
    if role is None:
        raise NotAllowed(f"{user} has no account here any more; ask an admin.")
    if deed.annotator_id is None:
        if deed.kind in BY_ITSELF or deed.entity.startswith("suggestions"):
            return
        raise NotAllowed("Only somebody with a name may do this.")
    if role == "admin" and deed.kind == "annotator created":
        return  # those whose labels a file brings in
    if deed.actor != user:
        raise NotAllowed(f"You have signed in as {user} and cannot do this as {deed.actor}.")
    if role == "admin":
        return
    if deed.entity in ADMINS:
        raise NotAllowed("Only an admin may change studies, their labels, settings and clips, and take backups.")
    others = {kind for lane, kind in deed.lanes.items() if lane != deed.annotator_id}
    if "person" in others or ("consensus" in others and role != "reviewer"):
        raise NotAllowed("You may label on your own lane only." if role == "annotator" else "This is another's lane.")
    if deed.entity not in (*OWN, *EVERYBODY):
        raise NotAllowed("Only an admin may do this.")


def _hash(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=COST, r=BLOCK, p=PARALLEL, maxmem=2**26)
