"""Trino on the lake's catalog.

Belongs here: the connection. Does not: any statement.
"""

from collections.abc import Sequence
from typing import Any

from lakehouse_assets.lake.engines import EngineFailed, ForeignName
from lakehouse_assets.settings import CATALOG, NAMESPACE, Settings


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
        """The rows of a question."""
        from requests.exceptions import RequestException
        from trino.exceptions import Error

        cursor = self._connection.cursor()
        try:
            cursor.execute(text)
            return [tuple(row) for row in cursor.fetchall()]
        except (Error, RequestException) as error:
            raise EngineFailed(f"Trino at {self._where}: {error}") from error

    def run(self, text: str) -> None:
        """Carry out a statement; its answer is read to the end, which is when it is done."""
        self.rows(text)
