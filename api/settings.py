"""The one reader of the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from data_contracts.errors import InputError


class Settings(BaseSettings):
    """What the environment may set; every name is prefixed `MILLGRADE_`."""

    model_config = SettingsConfigDict(env_prefix="MILLGRADE_", extra="ignore")

    home: Path = Path(".millgrade")
    """Database, files and models, unless `--home` says otherwise."""

    database_url: str | None = None
    """SQLAlchemy URL of the database; by default an SQLite file in the home."""

    database_url_file: Path | None = None
    """A file that holds this URL in place of `database_url`, as containers mount their secrets."""

    @model_validator(mode="after")
    def _read_file(self) -> Self:
        if self.database_url_file is not None and self.database_url is None:
            try:
                self.database_url = self.database_url_file.read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise InputError(
                    f"MILLGRADE_DATABASE_URL_FILE names {self.database_url_file}, which cannot be read.",
                    hint="It must be a text file that this process's user may read.",
                ) from error
        return self
