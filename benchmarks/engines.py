"""Spark and Trino against DuckDB on one machine: the same gated tables, bronze to features, on the same servers.

Belongs here: the comparison at two sizes.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.findings import Finding, table
from benchmarks.measure import Measured, WorkFailed, run
from benchmarks.servers import started, variables, watched
from benchmarks.state import DAY, SEED, Session
from deploy.native.stack import Stack

SERVERS: Mapping[str, Sequence[str]] = {
    "duckdb": (),
    "spark": ("spark-connect", "spark-worker"),
    "trino": ("trino",),
}
"""Engine -> the servers whose memory is its own; DuckDB's is the step's."""
PYTHON_IN_SQL = ("gold_option_chains", "feature_option_minutes")
PARTS = {
    "stage": "write, all", "judge": "audit, all", "release": "take the clones away, all", "publish": "publish, all",
}  # fmt: skip


def measure(session: Session) -> list[Finding]:
    """A fifth of the session's rows, then all of them."""
    return [_finding(session, rows) for rows in (session.rows // 5, session.rows)]


def _finding(session: Session, rows: int) -> Finding:
    sides: dict[str, Measured | None] = {}
    with started(session.folder / f"servers_{rows}", "lake-init") as stack:
        landed = _landed(session, stack, rows)
        for engine, servers in SERVERS.items():
            stack.up("lake-init", *servers)
            sides[engine] = _side(stack, engine, servers, landed)
            if servers:
                stack.stop(*servers)
    note = (
        "One trading date on PostgreSQL and S3, once each; Spark by a Connect server with a standalone worker of 2 "
        "cores, Trino on a node of 3 GB. Memory is the engine's: for DuckDB the step's process, for Spark the driver "
        "and its executors, for Trino the server. Trino calls no Python: its chains and features are DuckDB's."
    )
    found = Finding(f"Engines, {rows / 1e6:g} M rows", (), ("", *SERVERS), _rows(list(sides.values())), note)
    print("\n".join(table(found.columns, found.rows)), file=sys.stderr, flush=True)  # the next size takes long
    return found


def _landed(session: Session, stack: Stack, rows: int) -> Path:
    """A state folder with the day landed, and bronze in the catalog of the servers."""
    home = session.folder / f"landed_on_servers_{rows}"
    extra = variables(stack)
    run("land", {"rows": rows, "day": DAY, "seed": SEED}, home=home, extra=extra)
    for kind in ("option", "underlying"):
        run("ingest_ours", {"day": DAY, "kind": kind}, home=home, extra=extra)
    return home


def _side(stack: Stack, engine: str, servers: Sequence[str], home: Path) -> Measured | None:
    """One engine's run; nothing where it did not end."""
    chosen = {"LAKEHOUSE_ENGINE__NAME": engine, "LAKEHOUSE_ENGINE__ASSETS__gold_put_call_ratios": engine}
    if engine == "trino":
        chosen |= {f"LAKEHOUSE_ENGINE__ASSETS__{table}": "duckdb" for table in PYTHON_IN_SQL}
    try:
        with watched(stack, servers) as peak:
            found = run("refine_ours", {"day": DAY, "fresh": True}, home=home, extra={**variables(stack), **chosen})
    except WorkFailed as error:
        print(f"    {engine}: {error}", file=sys.stderr, flush=True)
        return None
    print(f"    {engine}: {found.seconds:.1f} s", file=sys.stderr, flush=True)
    return Measured(
        found.seconds, found.cpu_seconds, found.process_seconds, peak.mb if servers else found.peak_mb, found.values
    )


def _rows(sides: Sequence[Measured | None]) -> list[Sequence[str]]:
    first = next(one for one in sides if one is not None)
    parts = [name for name in first.values if name.endswith("_seconds")]
    tables = [name for name in parts if name.removesuffix("_seconds") not in PARTS]
    return [
        ("all ten tables", *(f"{one.seconds:.1f} s" if one else "failed" for one in sides)),
        ("peak memory", *(f"{one.peak_mb:,.0f} MB" if one else "" for one in sides)),
        *(_row(name, sides) for name in tables),
        *(_row(f"{part}_seconds", sides) for part in PARTS),
    ]


def _row(name: str, sides: Sequence[Measured | None]) -> Sequence[str]:
    part = name.removesuffix("_seconds")
    return (PARTS.get(part, f"write {part}"), *(f"{one.values[name]:.1f} s" if one else "" for one in sides))
