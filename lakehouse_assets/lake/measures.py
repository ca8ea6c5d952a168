"""What a layer reports of a run, under the names that users plot.

Belongs here: rows in and out, nulls, symbols. Does not: verdicts, nor what every table reports (`io_manager`).
"""

from collections.abc import Mapping
from typing import Any

from lakehouse_assets.lake.engine import connect
from lakehouse_assets.lake.staging import Staged
from lakehouse_assets.layers import BRONZE, FEATURES, GOLD, RAW, SILVER


def measures(staged: Staged) -> dict[str, Any]:
    """The layer's numbers for the partitions of one run."""
    found: dict[str, Any] = {"null_percentage": null_percentage(staged)}
    if "symbol" in staged.contract.by_name:
        found["unique_symbols"] = unique_symbols(staged)
    rows_read = sum(table.only(part.key).rows for part in staged.partitions for table in staged.inputs.values())
    by_layer: Mapping[str, dict[str, Any]] = {
        RAW: {"rows_processed": staged.rows},
        BRONZE: {"rows_ingested": staged.rows},
        SILVER: {"rows_before": rows_read, "rows_after": staged.rows, "rows_processed": rows_read},
        GOLD: {"rows_processed": rows_read, "final_rows": staged.rows},
        FEATURES: {"rows_processed": rows_read, "final_rows": staged.rows},
    }
    return found | by_layer[staged.contract.layer]


def null_percentage(staged: Staged) -> float:
    """Nulls among all cells, by the files' statistics; 0 for an empty table."""
    cells = staged.rows * len(staged.contract.columns)
    nulls = sum(file.nulls for part in staged.partitions for file in part.files)
    return round(100 * nulls / cells, 3) if cells else 0.0


def unique_symbols(staged: Staged) -> int:
    """Distinct symbols over all partitions of the run."""
    paths = [file for part in staged.partitions for file in part.files]
    if not paths:
        return 0
    table = staged.contract.table
    with connect(staged.settings) as connection:
        staged.whole().bind(connection)
        found = connection.execute(f'SELECT COUNT(DISTINCT symbol) FROM "{table}"').fetchone()
    return int(found[0]) if found else 0
