"""Bronze to features as the assets do it: each step staged from pinned inputs, judged by its gates, published."""

import duckdb  # noqa: F401 - both sides import what they need before the clock runs
import pyiceberg.io.pyarrow  # noqa: F401 - as above

from benchmarks.clock import Spent, answer, clocked, given
from benchmarks.work.refining import BRONZE, STEPS, parameters
from lakehouse_assets.contracts.catalog import CONTRACTS
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.commit import publish
from lakehouse_assets.lake.gates import Gate, conservation_gate, contract_gate, freshness_gate, volume_gate
from lakehouse_assets.lake.judging import judge
from lakehouse_assets.lake.query import query
from lakehouse_assets.lake.staging import stage
from lakehouse_assets.lake.table import pin
from lakehouse_assets.settings import NAMESPACE, load_settings

SILVER = ("silver_option_ticks", "silver_underlying_ticks", "silver_quarantined_ticks")


def gates_of(table: str) -> tuple[Gate, ...]:
    """The gates that the asset has."""
    contract = CONTRACTS[table]
    usual = contract_gate(contract), volume_gate(contract), freshness_gate(contract)
    conserved = (conservation_gate(contract, BRONZE, SILVER),) if table == SILVER[0] else ()
    return *usual, *conserved


def step(lake: Lake, tables: dict[str, tuple[str, ...]], day: str, spent: Spent) -> int:
    """One step; the rows it wrote."""
    names = {name for inputs in tables.values() for name in inputs}
    pinned = {name: pin(lake, CONTRACTS[name], [day]) for name in sorted(names)}
    staged = []
    for table, inputs in tables.items():
        with spent.part(f"{table}_seconds"), spent.part("stage_seconds"):
            content = query(table, *(pinned[name] for name in inputs), parameters=parameters())
            staged.append(stage(lake, CONTRACTS[table], content, [day]))
    with spent.part("judge_seconds"):
        verdicts = judge(staged, {table: gates_of(table) for table in tables})
    with spent.part("release_seconds"):
        for one in staged:
            one.release(lake)
    if refused := [judged.verdict.words for judged in verdicts if judged.refuses]:
        raise SystemExit(f"the gates refused {', '.join(tables)}: {refused}")
    with spent.part("publish_seconds"):
        for one in staged:
            publish(lake, one, {})
    return sum(one.rows for one in staged)


def drop_tables(lake: Lake) -> None:
    """What another engine has made before on the same servers."""
    for table in (table for tables in STEPS for table in tables):
        if lake.catalog.table_exists((NAMESPACE, table)):
            lake.catalog.drop_table((NAMESPACE, table))


def main() -> None:
    """Work and answer."""
    arguments = given()
    lake = Lake(load_settings())
    if arguments.get("fresh"):
        drop_tables(lake)
    with clocked() as spent:
        rows = sum(step(lake, dict(tables), arguments["day"], spent) for tables in STEPS)
    answer(spent, rows=rows)


if __name__ == "__main__":
    main()
