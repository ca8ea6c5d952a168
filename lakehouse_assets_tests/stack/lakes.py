"""A lake on the real servers, computed by the engine that a test names."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trino

from deploy.native.stack import Stack
from lakehouse_assets.contracts.catalog import CONTRACTS
from lakehouse_assets.contracts.raw import RAW_MNIST_IMAGES
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.clones import STAGING
from lakehouse_assets.lake.commit import Published, publish
from lakehouse_assets.lake.engines import ForeignName
from lakehouse_assets.lake.gates import contract_gate
from lakehouse_assets.lake.judging import Judged, judge
from lakehouse_assets.lake.query import Query
from lakehouse_assets.lake.staging import Staged, stage
from lakehouse_assets.lake.storage import bucket
from lakehouse_assets.lake.table import Table, pin
from lakehouse_assets.layers import MODELS
from lakehouse_assets.settings import NAMESPACE, EngineName, EngineSettings, Settings
from lakehouse_assets_tests.lake.toys import TOY, ticks, write

COPIES = replace(TOY, table="toy_copies", partition=("trading_date",), sort=("source", "id"))
TOYS = (TOY.table, COPIES.table)
FOREIGN: tuple[ForeignName, ...] = ("spark", "trino")
"""Those that write into clones."""
MADE = {name: one for name, one in CONTRACTS.items() if one.layer != MODELS and one is not RAW_MNIST_IMAGES}
"""The tables that the main job makes before any model."""
TEXT = "SELECT source, trading_date, id, price, side, size FROM toy_ticks WHERE COALESCE(price <= $most, TRUE)"


def environment(stack: Stack, patch: pytest.MonkeyPatch) -> None:
    """See the servers as the pipeline's own service does."""
    for name, value in stack.whole_environment("dagster-code").items():
        patch.setenv(name, value)


def lake_on(engine: EngineName, home: Path) -> Lake:
    """A lake whose tables in SQL are computed by the engine."""
    known = Settings(home=home)
    return Lake(known.model_copy(update={"engine": EngineSettings(name=engine)}))


def copied(lake: Lake, days: tuple[str, ...], most: float = 100.0, text: str = TEXT) -> Staged:
    """Stage the copy of the toy ticks that the engine makes."""
    source = pin(lake, TOY, days)
    return stage(lake, COPIES, Query(text, {TOY.table: source}, {"most": most} if "$most" in text else {}), days)


def judged(staged: Staged) -> tuple[Judged, ...]:
    """What the contract's gate says, on the engine."""
    return judge([staged], {COPIES.table: (contract_gate(COPIES),)})


def copy(lake: Lake, days: tuple[str, ...], most: float = 100.0) -> Published:
    """Stage, judge and publish; the rows are expected to pass."""
    staged = copied(lake, days, most)
    verdicts = judged(staged)
    staged.release(lake)
    assert not [one for one in verdicts if one.refuses], verdicts
    return publish(lake, staged, {})


def drop(lake: Lake, tables: Iterable[str]) -> None:
    """Neither these tables nor any clone, also of which nothing is left but its name; files stay where they are."""
    for clone in clones(lake):
        lake.catalog.drop_table((STAGING, clone))
    for table in tables:
        if lake.exists(table):
            lake.catalog.drop_table((NAMESPACE, table))


@contextmanager
def toy_lake(engine: EngineName, stack: Stack, home: Path, patch: pytest.MonkeyPatch) -> Iterator[Lake]:
    """A lake of the engine with neither toys nor clones, before and after."""
    environment(stack, patch)
    made = lake_on(engine, home)
    drop(made, TOYS)
    yield made
    drop(made, TOYS)


def write_half_copied(lake: Lake, days: tuple[str, ...]) -> None:
    """Toy ticks of some days, of which the half is copied."""
    for day in days:
        write(lake, ticks(day, 6, price=[float(number) for number in range(1, 7)]), day)
    copy(lake, days, most=3.0)


def asked(user: str, statement: str) -> list[list[object]]:
    """The rows of a statement, asked on Trino by a user."""
    with trino.dbapi.connect(host="127.0.0.1", port=8080, user=user) as connection:
        cursor = connection.cursor()
        cursor.execute(statement)
        return [list(row) for row in cursor.fetchall()]


def comparable(table: Table) -> Table:
    """The table without the moment at which its lake first saw a file, which is another in each."""
    columns = tuple(column for column in table.contract.columns if column.name != "ingested_at")
    return replace(table, contract=replace(table.contract, columns=columns))


def clones(lake: Lake) -> list[str]:
    """The clones that are in the catalog."""
    return [name for _, name in lake.catalog.list_tables(STAGING)] if lake.catalog.namespace_exists(STAGING) else []


def aged(lake: Lake, clone: str, hours: float) -> str:
    """The clone under the name that it had if it were so old."""
    made = datetime.now(UTC) - timedelta(hours=hours)
    name = f"{COPIES.table}__{made:%Y%m%d%H%M%S}_{clone.rpartition('_')[2]}"
    lake.catalog.rename_table((STAGING, clone), (STAGING, name))
    return name


def files(lake: Lake) -> list[str]:
    """All that lies below the copies' data and clones, published or not, of earlier tests too."""
    found, location = bucket(lake.settings), lake.load_or_create(COPIES).location()
    found.invalidate_cache()
    return [path for folder in ("data", "staging") for path in found.find(f"{location}/{folder}")]
