"""Trino on the lake's catalog.

Belongs here: the connection. Does not: any statement.
"""

import time
from collections.abc import Sequence
from typing import Any

from lakehouse_assets.lake.engines import EngineFailed, ForeignName
from lakehouse_assets.settings import CATALOG, NAMESPACE, Settings

CATALOG_LOST = "Cannot check and eventually update SQL schema"
"""Trino's words where PostgreSQL is not there, or was restarted and has cut the connections that Trino keeps: it met
that while it opened the catalog, so nothing of the statement has run. No other failure is as sure."""

TRIES = 4
PAUSE_SECONDS = 2.0  # PostgreSQL starts in as many; a longer absence is for the step's own retries


class Trino:
    """A connection as the settings' user, in UTC."""

    name: ForeignName = "trino"

    def __init__(self, settings: Settings) -> None:
        """Open nothing yet: Trino is asked over HTTP."""
        from trino import dbapi
        from trino.auth import BasicAuthentication

        connect: Any = dbapi.connect  # untyped
        known = settings.trino
        password = known.password.get_secret_value() if known.password else None
        self._where = f"{known.host}:{known.port}"
        self._connection = connect(
            host=known.host,
            port=known.port,
            user=known.user,
            auth=BasicAuthentication(known.user, password) if password else None,
            http_scheme="https" if password else "http",
            verify=known.certificate or True,
            catalog=CATALOG,
            schema=NAMESPACE,
            timezone="UTC",
        )

    def rows(self, text: str) -> Sequence[tuple[Any, ...]]:
        """The rows of a question; asked again where the catalog's connection was cut before it began."""
        for _ in range(TRIES - 1):
            try:
                return self._asked(text)
            except EngineFailed as error:
                if CATALOG_LOST not in str(error):
                    raise
            time.sleep(PAUSE_SECONDS)
        return self._asked(text)

    def run(self, text: str) -> None:
        """Carry out a statement; its answer is read to the end, which is when it is done."""
        self.rows(text)

    def _asked(self, text: str) -> Sequence[tuple[Any, ...]]:
        from requests.exceptions import RequestException
        from trino.exceptions import Error

        cursor = self._connection.cursor()
        try:
            cursor.execute(text)
            return [tuple(row) for row in cursor.fetchall()]
        except (Error, RequestException) as error:
            raise EngineFailed(f"Trino at {self._where}: {error}") from error
