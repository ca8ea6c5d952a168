"""Landed files arrive whole under their names, with the times by which the scan knows them."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from lakehouse_assets.contracts.raw import RAW_OPTION_TICK_FILES
from lakehouse_assets.lake.commit import publish
from lakehouse_assets.lake.query import Rows
from lakehouse_assets.lake.staging import WHOLE, stage
from lakehouse_assets.services.copying import CopyRefused
from lakehouse_assets.services.copying.landing import LandedFileDamaged
from lakehouse_assets.sources.canonical import arrow_schema
from lakehouse_assets.sources.landing.folder import sha256_of
from lakehouse_assets_tests.services.copying.conftest import Ends

NAMES = ("simulated/2026-11-16/part-0.parquet", "simulated/2026-11-17/part-0.parquet")
MODIFIED = 1_700_000_000_123_456_789


@pytest.fixture
def landed(ends: Ends) -> Ends:
    """Two landed files that the manifest knows."""
    for number, name in enumerate(NAMES):
        put(ends.here / "raw" / name, bytes([number]) * 5_000)
    rows = [
        {
            "path": name, "source": "simulated", "adapter": "parquet_ticks", "trading_date": None,
            "bytes": 5_000, "sha256": sha256_of(ends.here / "raw" / name), "option_rows": 0, "underlying_rows": 0,
            "first_seen": datetime(2026, 11, 16, tzinfo=UTC), "modified_ns": MODIFIED, "status": "accepted",
            "reason": None,
        }
        for name in NAMES
    ]  # fmt: skip
    manifest = Rows(pa.Table.from_pylist(rows, schema=arrow_schema(RAW_OPTION_TICK_FILES)))
    publish(ends.source, stage(ends.source, RAW_OPTION_TICK_FILES, manifest, [WHOLE]), {})
    return ends


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, ns=(MODIFIED, MODIFIED))


def found(folder: Path) -> dict[str, tuple[bytes, int]]:
    files = [one for one in (folder / "raw").rglob("*") if one.is_file()]
    return {str(one.relative_to(folder)): (one.read_bytes(), one.stat().st_mtime_ns) for one in files}


def test_landed_files_and_their_manifest_arrive_and_are_not_copied_again(landed: Ends) -> None:
    assert landed.copy() == {"landed files": (2, 0, 0), "raw_option_tick_files": (1, 0, 0)}
    assert found(landed.there) == found(landed.here)
    assert len(found(landed.there)) == 2
    assert landed.copy() == {"landed files": (0, 2, 0), "raw_option_tick_files": (0, 1, 0)}


def test_a_draft_that_a_kill_left_is_written_again(landed: Ends) -> None:
    put(landed.there / "raw" / "simulated" / "2026-11-16" / ".part-0.parquet.copying", b"half")
    assert landed.copy()["landed files"] == (2, 0, 0)
    assert found(landed.there) == found(landed.here)


def test_the_same_bytes_at_another_time_are_there_already(landed: Ends) -> None:
    there = landed.there / "raw" / NAMES[0]
    put(there, (landed.here / "raw" / NAMES[0]).read_bytes())
    os.utime(there, ns=(1, 1))
    assert landed.copy()["landed files"] == (1, 1, 0)


def test_another_file_of_the_same_name_is_never_overwritten(landed: Ends) -> None:
    there = landed.there / "raw" / NAMES[1]
    put(there, b"other")
    with pytest.raises(CopyRefused, match=r"2026-11-17/part-0.parquet holds other bytes than .*--keep"):
        landed.run()
    assert found(landed.there) == {f"raw/{NAMES[1]}": (b"other", MODIFIED)}
    assert landed.copy(keep=True)["landed files"] == (1, 0, 1)
    assert there.read_bytes() == b"other"


def test_a_file_that_is_not_what_was_taken_in_is_not_copied(landed: Ends) -> None:
    put(landed.here / "raw" / NAMES[0], b"9" * 5_000)
    with pytest.raises(LandedFileDamaged, match="is not what it was taken in as"):
        landed.run()
    assert found(landed.there).keys() == {"raw/simulated/2026-11-16/.part-0.parquet.copying"}
