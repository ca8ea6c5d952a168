"""What a layer reports of a run, under the names that users plot.

Belongs here: rows in and out, nulls, symbols. Does not: verdicts, nor what every table reports (`io_manager`).
"""

from collections.abc import Mapping
from typing import Any

from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.lake.engine import connect, quoted
from lakehouse_assets.lake.staging import Staged, StagedPartition
from lakehouse_assets.layers import BRONZE, FEATURES, GOLD, RAW, SILVER


def measures(staged: Staged, part: StagedPartition) -> dict[str, Any]:
    """The layer's numbers for one partition of a run."""
    found: dict[str, Any] = {"null_percentage": null_percentage(staged.contract, part)}
    if "symbol" in staged.contract.by_name:
        found["unique_symbols"] = unique_symbols(staged, part)
    rows_read = sum(table.only(part.key).rows for table in staged.inputs.values())
    by_layer: Mapping[str, dict[str, Any]] = {
        RAW: {"rows_processed": part.rows},
        BRONZE: {"rows_ingested": part.rows},
        SILVER: {"rows_before": rows_read, "rows_after": part.rows, "rows_processed": rows_read},
        GOLD: {"rows_processed": rows_read, "final_rows": part.rows},
        FEATURES: {"rows_processed": rows_read, "final_rows": part.rows},
    }
    return found | by_layer[staged.contract.layer]


def null_percentage(contract: Contract, part: StagedPartition) -> float:
    """Nulls among all cells, by the files' statistics; 0 for an empty partition."""
    cells = part.rows * len(contract.columns)
    nulls = sum(file.nulls for file in part.files)
    return round(100 * nulls / cells, 3) if cells else 0.0


def unique_symbols(staged: Staged, part: StagedPartition) -> int:
    """Distinct symbols in a partition."""
    if not part.files:
        return 0
    with connect(staged.settings) as connection:
        staged.table(part).bind(connection)
        found = connection.execute(f"SELECT COUNT(DISTINCT symbol) FROM {quoted(staged.contract.table)}").fetchone()
    return int(found[0]) if found else 0
