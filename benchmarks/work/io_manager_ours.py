"""One asset of one day through Dagster: a Parquet file becomes a gated Iceberg table by the project's own decorator."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import dagster as dg
import duckdb
import pyiceberg.io.pyarrow  # noqa: F401 - both sides import what they need before the clock runs

from benchmarks.clock import answer, clocked, given
from lakehouse_assets.contracts.contract import Column, Contract
from lakehouse_assets.lake.asset import IO_MANAGER, LAKE, lake_asset
from lakehouse_assets.lake.io_manager import LakeIOManager, LakeResource
from lakehouse_assets.lake.table import Table
from lakehouse_assets.layers import BRONZE

TICKS = Contract(
    table="ticks",
    layer=BRONZE,
    description="A day of ticks.",
    grain="one tick",
    columns=(
        Column("tick", "long", "Number of the tick", required=True, minimum=0),
        Column("symbol", "string", "Contract", required=True),
        Column("event_type", "string", "What the row reports", required=True, allowed=("trade", "quote")),
        Column("timestamp", "timestamptz", "Event time", required=True),
        Column("trading_date", "date", "Trading date", required=True),
        Column("underlying", "string", "Underlying"),
        Column("last_price", "double", "Price", unit="currency"),
        Column("last_size", "double", "Size", unit="contracts"),
        Column("bid_px_00", "double", "Best bid", unit="currency"),
        Column("bid_sz_00", "double", "Size at the best bid", unit="contracts"),
        Column("ask_px_00", "double", "Best ask", unit="currency"),
        Column("ask_sz_00", "double", "Size at the best ask", unit="contracts"),
    ),
    key=("tick",),
)


@dataclass(frozen=True)
class DayFile:
    """A Parquet file as content that the lake stages."""

    path: Path

    @property
    def inputs(self) -> Mapping[str, Table]:
        """None: the file is no table."""
        return {}

    def fingerprint(self, partition_key: str) -> str:
        """Over the file's bytes."""
        with self.path.open("rb") as file:
            digest = sha256(partition_key.encode())
            while block := file.read(1 << 20):
                digest.update(block)
        return digest.hexdigest()

    def open(self, _: duckdb.DuckDBPyConnection, partition_key: str) -> tuple[str, Mapping[str, object]]:
        """The engine reads the file by itself."""
        text = f"SELECT * FROM read_parquet('{self.path}') WHERE trading_date = CAST($day AS DATE)"
        return text, {"day": partition_key}

    def confirm(self, _: str) -> None:
        """Nobody else writes the file."""


@lake_asset(TICKS, group_name=BRONZE)
def ticks() -> DayFile:
    """A day of ticks."""
    return DayFile(Path(given()["file"]))


def main() -> None:
    """Work and answer."""
    lake = LakeResource()
    with clocked() as spent:
        result = dg.materialize(
            [ticks], partition_key=given()["day"], resources={LAKE: lake, IO_MANAGER: LakeIOManager(source=lake)}
        )
    failed = [check.check_name for check in result.get_asset_check_evaluations() if not check.passed]
    materialized = result.asset_materializations_for_node("ticks")[0]
    answer(spent, rows=materialized.metadata["dagster/row_count"].value, failed_checks=failed)


if __name__ == "__main__":
    main()
