"""The steps from an empty database to today's tables, taken when a store is opened."""

import logging
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Engine

from annotations.engine import writer
from annotations.records import StoreError


def upgrade(engine: Engine) -> None:
    """Bring a database to today's tables, in one transaction; processes that start at once wait for each other.

    Raises :class:`StoreError` where a newer studio has written the database.
    """
    logging.getLogger("alembic").setLevel(logging.WARNING)
    with writer(engine).begin() as connection:
        try:
            command.upgrade(configuration(connection), "head")
        except CommandError as error:
            raise StoreError(
                "A newer studio has written this database; start that one, or give this one another folder."
            ) from error


def configuration(connection: object) -> Config:
    """Alembic's configuration for migrations over an open connection."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
