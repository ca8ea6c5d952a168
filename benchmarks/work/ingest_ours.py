"""Landed files to bronze as the asset does it: staged, judged by all of its gates, published in one commit."""

import duckdb  # noqa: F401 - both sides import what they need before the clock runs
import pyiceberg.io.pyarrow  # noqa: F401 - as above

from benchmarks.clock import answer, clocked, given
from lakehouse_assets.contracts.bronze import BRONZE_OPTION_TICKS, BRONZE_UNDERLYING_TICKS
from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.contracts.raw import RAW_OPTION_TICK_FILES
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.commit import publish
from lakehouse_assets.lake.gates import Gate, contract_gate, freshness_gate, landed_gate, volume_gate
from lakehouse_assets.lake.ingest import landed_ticks
from lakehouse_assets.lake.judging import judge
from lakehouse_assets.lake.staging import stage
from lakehouse_assets.lake.table import pin
from lakehouse_assets.settings import load_settings
from lakehouse_assets.sources import landing, parquet_ticks  # noqa: F401 - as above

CONTRACTS: dict[str, Contract] = {"option": BRONZE_OPTION_TICKS, "underlying": BRONZE_UNDERLYING_TICKS}


def gates_of(contract: Contract, kind: str) -> tuple[Gate, ...]:
    """The gates that the asset has."""
    landed = landed_gate(contract, RAW_OPTION_TICK_FILES.table, f"{kind}_rows")
    return contract_gate(contract), volume_gate(contract), freshness_gate(contract), landed


def main() -> None:
    """Work and answer."""
    arguments = given()
    contract = CONTRACTS[arguments["kind"]]
    lake = Lake(load_settings())
    manifest = pin(lake, RAW_OPTION_TICK_FILES)
    with clocked() as spent:
        with spent.part("stage_seconds"):
            staged = stage(lake, contract, landed_ticks(arguments["kind"], manifest), [arguments["day"]])
        with spent.part("judge_seconds"):
            verdicts = judge([staged], {contract.table: gates_of(contract, arguments["kind"])})
        with spent.part("publish_seconds"):
            publish(lake, staged, {})
    if refused := [judged.verdict.words for judged in verdicts if judged.refuses]:
        raise SystemExit(f"the gates refused the batch: {refused}")
    size = sum(part.bytes for part in staged.partitions)
    answer(spent, rows=staged.rows, bytes=size)


if __name__ == "__main__":
    main()
