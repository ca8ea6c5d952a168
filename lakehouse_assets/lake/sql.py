"""Questions in SQL over the whole catalog, read-only, on one consistent cut.

Belongs here: resolving the tables that a query names to pinned snapshots, and a locked engine that sees their files
and nothing else. Does not: what may be asked (`sql_guard`), nor showing the answer (the console script).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches

import duckdb
import pyarrow as pa

from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.cut import Cut
from lakehouse_assets.lake.engine import connect, literal
from lakehouse_assets.lake.inspection import contract_named
from lakehouse_assets.lake.sql_guard import Asked, QueryRefused, resolve
from lakehouse_assets.lake.storage import native
from lakehouse_assets.lake.table import BATCH_ROWS, Table
from lakehouse_assets.settings import Settings

__all__ = ["Answer", "QueryRefused", "ask"]


@dataclass(frozen=True)
class Answer:
    """A question ready to run: its text over views of pinned snapshots, and which snapshots they are."""

    text: str
    views: Mapping[str, Table]
    settings: Settings

    @property
    def snapshots(self) -> Mapping[str, int | None]:
        """The snapshot that each view shows."""
        return {name: table.snapshot_id for name, table in self.views.items()}

    @contextmanager
    def batches(self, size: int = BATCH_ROWS) -> Iterator[pa.RecordBatchReader]:
        """Stream the answer as record batches of at most `size` rows.

        Raises:
            duckdb.Error: the engine refuses or cannot finish the query.
        """
        with locked_engine(self.views, self.settings) as connection:
            yield connection.sql(self.text).to_arrow_reader(size)

    def row_count(self) -> int:
        """Rows of the answer; the engine reads no column that it does not need for it."""
        with locked_engine(self.views, self.settings) as connection:
            found = connection.execute(f"SELECT COUNT(*) FROM ({self.text})").fetchone()
        return int(found[0]) if found else 0


def ask(lake: Lake, text: str) -> Answer:
    """Pin every table that the query names, all on one cut of the catalog.

    Args:
        lake: the lake.
        text: one SELECT in DuckDB's dialect; a table may be followed by `FOR VERSION AS OF <snapshot id>` or
            `FOR TIMESTAMP AS OF TIMESTAMP '<time>'` (UTC where the time names no zone).

    Raises:
        QueryRefused: the text is not one readable SELECT over the catalog's tables.
        UnknownTable: a table of the query is not in the catalog.
    """
    cut: list[Cut] = []
    views: dict[str, Table] = {}

    def view_of(asked: Asked) -> str:
        contract = contract_named(asked.table)
        if not cut:
            cut.append(Cut(lake))
        snapshot_id = _snapshot(cut[0], contract.table, asked)
        table = cut[0].pin(contract, snapshot_id)
        name = f"{contract.table}_at_{table.snapshot_id or 'nothing'}"
        views[name] = table
        return name

    return Answer(resolve(text, view_of), views, lake.settings)


@contextmanager
def locked_engine(views: Mapping[str, Table], settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """An engine that shows the views and can read no other file, attach nothing and change no setting.

    The spill folder stays open to it: a large sort needs it.
    """
    files = {native(file.path) for table in views.values() for file in table.files}
    allowed = sorted(files)
    with connect(settings) as connection:
        for name, table in views.items():
            table.bind(connection, name)
        connection.execute(f"SET allowed_paths = [{', '.join(map(literal, allowed))}]")
        connection.execute("SET python_enable_replacements = false")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield connection


def _snapshot(cut: Cut, table: str, asked: Asked) -> int | None:
    """The snapshot id that the query asks for; None for the current one."""
    if asked.snapshot_id is None and asked.at is None:
        return None
    found = cut.find(table)
    known = [str(one.snapshot_id) for one in found.metadata.snapshots] if found else []
    if found is None or not known:
        raise QueryRefused(f"{table} has no snapshots yet: materialize the asset {table}")
    advice = f"`lakehouse history {table}` lists those that are there"
    if asked.snapshot_id is not None:
        if str(asked.snapshot_id) in known:
            return asked.snapshot_id
        close = get_close_matches(str(asked.snapshot_id), known, n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        raise QueryRefused(f"{table} has no snapshot {asked.snapshot_id}: {hint}{advice}")
    moment = _in_utc(str(asked.at))
    at_that_time = found.snapshot_as_of_timestamp(int(moment.timestamp() * 1000))
    if at_that_time is None:
        raise QueryRefused(f"{table} had no snapshot yet at {moment.isoformat()}, or it was expired: {advice}")
    return at_that_time.snapshot_id


def _in_utc(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip().removesuffix(" UTC"))
    except ValueError as error:
        raise QueryRefused(f"'{text}' is not a time: write it as '2026-11-20 09:00:00'") from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
