"""Toy tables as assets: what arrives, and what is made of it; run in this process on an instance of their own."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import dagster as dg
import duckdb
import pyarrow as pa
import pytest

from lakehouse_assets.contracts.catalog import CONTRACTS
from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.lake.asset import IO_MANAGER, LAKE, lake_asset, lake_assets
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.gates import conservation_gate
from lakehouse_assets.lake.io_manager import LakeIOManager, LakeResource
from lakehouse_assets.lake.query import Query, digest
from lakehouse_assets.lake.table import Table
from lakehouse_assets.layers import BRONZE, SILVER
from lakehouse_assets.settings import load_settings
from lakehouse_assets_tests.lake.toys import MONDAY, TOY, TUESDAY, WEDNESDAY, ticks

THREE_DAYS = (MONDAY, TUESDAY, WEDNESDAY)
CLEAN = replace(TOY, table="toy_clean_ticks", layer=SILVER, description="Toy ticks that are trusted.")
REJECTED = replace(CLEAN, table="toy_rejected_ticks", description="Toy ticks that are not.")
CONSERVED = "toy_clean_ticks_conserve_every_row"
ARRIVED: dict[str, pa.Table] = {}
"""What lies in the toy landing zone, by day; a test lands by writing here."""

SPLIT = {"toy_rejected_ticks": "price > 100", "toy_clean_ticks": "price <= 100"}
"""Which rows go where; a test plants its bug here."""


@dataclass(frozen=True)
class Daily:
    """Rows by day."""

    days: Mapping[str, pa.Table]
    inputs: Mapping[str, Table] = field(default_factory=dict)

    def fingerprint(self, partition_key: str) -> str:
        return digest(self.days[partition_key].to_pylist())

    def open(self, connection: duckdb.DuckDBPyConnection, partition_key: str) -> tuple[str, Mapping[str, object]]:
        connection.register("arrived", self.days[partition_key])
        return "SELECT * FROM arrived", {}

    def confirm(self, _: str) -> None:
        """Rows in memory cannot change."""


@lake_asset(TOY, group_name=BRONZE)
def toy_ticks() -> Daily:
    """Ticks as they arrived."""
    return Daily(dict(ARRIVED))


@lake_assets(
    {REJECTED: (), CLEAN: (conservation_gate(CLEAN, ("toy_ticks",), ("toy_clean_ticks", "toy_rejected_ticks")),)},
    group_name=SILVER,
)
def toy_split(toy_ticks: Table) -> dict[str, Query]:
    """Every tick is in one of two tables."""
    return {
        name: Query(f"SELECT * FROM toy_ticks WHERE {condition}", {"toy_ticks": toy_ticks})
        for name, condition in SPLIT.items()
    }


class Toys:
    """The toy assets on a lake and an instance of their own."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance = instance

    @property
    def lake(self) -> Lake:
        return Lake(load_settings())

    def run(self, *days: str, assets: Sequence[dg.AssetsDefinition] = (toy_ticks, toy_split)) -> Any:
        """Materialize one day, or the stretch from the first to the last in a single run."""
        resource = LakeResource()
        chosen = dg.Definitions(
            assets=list(assets), resources={LAKE: resource, IO_MANAGER: LakeIOManager(source=resource)}
        )
        tags = {"dagster/asset_partition_range_start": days[0], "dagster/asset_partition_range_end": days[-1]}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return chosen.resolve_implicit_global_asset_job_def().execute_in_process(
                instance=self.instance,
                raise_on_error=False,
                **({"partition_key": days[0]} if len(days) == 1 else {"tags": tags}),
            )

    def materialized(self, table: str, *days: str) -> list[dg.AssetMaterialization]:
        """Materializations on record, of these days where some are named; the newest first."""
        chosen = dg.AssetRecordsFilter(asset_key=dg.AssetKey(table), asset_partitions=list(days) or None)
        records = self.instance.fetch_materializations(chosen, limit=50).records
        return [record.asset_materialization for record in records if record.asset_materialization]


@pytest.fixture
def toys() -> Iterator[Toys]:
    """Three days of four ticks have arrived; the second tick of each is dear."""
    split = dict(SPLIT)
    ARRIVED.update({day: ticks(day, price=[1.0, 200.0, 2.0, 3.0]) for day in THREE_DAYS})
    with pytest.MonkeyPatch.context() as patch, dg.DagsterInstance.ephemeral() as instance:
        for contract in (TOY, CLEAN, REJECTED):
            patch.setitem(_catalog(), contract.table, contract)
        yield Toys(instance)
    ARRIVED.clear()
    SPLIT.update(split)


def _catalog() -> dict[str, Contract]:
    found: dict[str, Contract] = CONTRACTS._by_table  # type: ignore[attr-defined]
    return found
