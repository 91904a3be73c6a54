"""Passwords of the manufacturer's page: argon2id, slow on purpose, the same work whether or not a name is known."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import cached_property

from pwdlib.hashers.argon2 import Argon2Hasher

from data_contracts.errors import InputError

MEMORY_KIB, PASSES, LANES = 19 * 1024, 2, 1
"""About 25 ms on one core; OWASP's second choice of parameters."""

SHORTEST, LONGEST = 12, 256


NO_PASSWORD = "!"
"""Kept in a hash's place where no password shall fit; no hash of argon2 looks like it."""


class WeakPassword(InputError):
    """A password is too short or too long."""

    code = "weak_password"


@dataclass(frozen=True)
class Passwords:
    """Hashes and checks passwords; `hasher` bears the cost."""

    hasher: Argon2Hasher

    def hash(self, password: str) -> str:
        """What is kept of a new password. Raises WeakPassword."""
        if not SHORTEST <= len(password) <= LONGEST:
            raise WeakPassword(
                f"The password has {len(password)} characters.", hint=f"Choose {SHORTEST} to {LONGEST} characters."
            )
        return self.hasher.hash(password)

    def is_right(self, password: str, kept: str | None) -> bool:
        """Whether `password` is the one of the kept hash; without one the same work is done in vain."""
        fits = self.hasher.verify(password[:LONGEST], kept or self._nobodys)
        return fits and kept is not None and len(password) <= LONGEST

    @cached_property
    def _nobodys(self) -> str:
        return self.hasher.hash(secrets.token_hex(16))


def production_passwords() -> Passwords:
    """Passwords at the cost that is right for production."""
    return Passwords(Argon2Hasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES))
