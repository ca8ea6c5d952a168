"""What a simulation lands: the same bytes for a seed, whole files, canonical columns, the sessions of KRX."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakehouse_assets.contracts.bronze import LINEAGE, OPTION_TICK, UNDERLYING_TICK
from lakehouse_assets.settings import Settings, SourceSettings
from lakehouse_assets.sources.adapter import FileRefused, LandedFile
from lakehouse_assets.sources.landing import scan
from lakehouse_assets.sources.parquet_ticks import read
from lakehouse_assets.sources.simulator import simulate, simulation
from lakehouse_assets_tests.sources.simulator.landed import SATURDAY, Landed, connect, land, one


def digests(home: Path) -> dict[str, str]:
    paths = (path for path in home.rglob("*") if path.is_file())
    return {str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Landed:
    return land(tmp_path_factory.mktemp("landed"), days=4, rows_per_day=5_000)


def test_the_same_seed_gives_the_same_bytes_and_another_one_does_not(tmp_path: Path) -> None:
    for name, seed in (("first", 3), ("again", 3), ("other", 4)):
        land(tmp_path / name, seed=seed, days=2, rows_per_day=3_000)
    first, again, other = (digests(tmp_path / name) for name in ("first", "again", "other"))
    assert first == again
    assert first.keys() == other.keys()
    assert not set(first.values()) & {other[name] for name in first if "part-" in name and "raw" in name}


def test_a_repeated_simulation_touches_no_file(tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in land(tmp_path, rows_per_day=2_000).files}
    again = land(tmp_path, rows_per_day=2_000)
    assert {path: path.stat().st_mtime_ns for path in again.files} == before


def test_trading_dates_are_the_weekdays_up_to_the_last_one(landed: Landed) -> None:
    days = sorted(path.name for path in (landed.raw / "simulated").iterdir())
    assert days == ["2026-11-17", "2026-11-18", "2026-11-19", "2026-11-20"]


def test_each_date_has_exactly_the_rows_asked_for_in_two_files_or_more(landed: Landed) -> None:
    with connect(landed) as connection:
        counts = connection.execute(
            "SELECT trading_date, count(*), count(DISTINCT file) FROM ticks GROUP BY 1"
        ).fetchall()
    assert {(rows, files) for _, rows, files in counts} == {(5_000, 2)}
    assert len(counts) == 4


def test_a_long_day_is_cut_into_files_and_keeps_its_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulation, "ROWS_A_FILE", 1_000)
    landed = land(tmp_path, rows_per_day=4_500)
    with connect(landed) as connection:
        assert one(connection, "SELECT count(DISTINCT file) FROM ticks") == 5
        assert one(connection, "SELECT count(*) FROM ticks") == 4_500
        assert (
            one(connection, "SELECT count(DISTINCT sequence) FROM ticks")
            == 4_500 - landed.report.faults["DUP_SOURCE_KEY"]
        )


def test_the_report_counts_what_lies_there(landed: Landed) -> None:
    assert landed.report.files == len(landed.files)
    assert landed.report.bytes == sum(path.stat().st_size for path in landed.files)
    assert landed.report.rows == 20_000
    with connect(landed) as connection:
        assert landed.report.underlying_rows == one(connection, "SELECT count(*) FROM underlying")
        truth = dict(connection.execute("SELECT code, count(*) FROM truth GROUP BY 1").fetchall())
    assert truth == {code: n for code, n in landed.report.faults.items() if code in truth}
    assert set(landed.report.faults) - set(truth) == {"EXTRA_COLUMN", "TRUNCATED_GZIP", "REDELIVERED_FILE"}


def test_the_files_have_canonical_columns_and_types_and_no_lineage(landed: Landed) -> None:
    types = {"string": pa.string(), "double": pa.float64(), "long": pa.int64(), "date": pa.date32(),
             "timestamptz": pa.timestamp("us", tz="UTC")}  # fmt: skip
    for name, tick in (("part-0000", OPTION_TICK), ("underlying-0000", UNDERLYING_TICK)):
        canonical = {column.name: types[column.type] for column in tick[len(LINEAGE) :]}
        schema = pq.read_schema(landed.raw / f"simulated/2026-11-20/{name}.parquet")
        assert schema.names[0] == "instrument_type"
        assert {
            field.name: field.type for field in schema if field.name != "instrument_type"
        }.items() <= canonical.items()


def test_the_parquet_adapter_reads_every_good_file_and_refuses_the_damaged_ones(landed: Landed) -> None:
    settings = SourceSettings(adapter="parquet_ticks", venue="KRX", currency="KRW", contract_multiplier=None)
    damaged = pq.read_table(landed.truth / "files.parquet").to_pylist()
    refused = set()
    rows = {"option": 0, "underlying": 0}
    for path in landed.files:
        name = path.relative_to(landed.raw).as_posix()
        try:
            for ticks in read(LandedFile(path, name, "simulated", settings, 10_000)):
                rows[ticks.kind] += ticks.batch.num_rows
        except FileRefused:
            refused.add(name)
    assert refused == {row["file"] for row in damaged if row["status"] == "rejected"}
    repeated = [row for row in damaged if row["status"] == "duplicate"]
    assert [(landed.raw / row["file"]).read_bytes() for row in repeated] == [
        (landed.raw / row["repeats"]).read_bytes() for row in repeated
    ]
    assert len(repeated) == 1
    assert rows == {"option": 20_000, "underlying": landed.report.underlying_rows * 5 // 4}


def test_the_manifest_says_of_every_file_what_the_truth_says(landed: Landed) -> None:
    source = SourceSettings(
        adapter="parquet_ticks", venue="KRX", currency="KRW", contract_multiplier=None, files="**/*"
    )
    settings = Settings(home=landed.raw.parent, sources={"simulated": source})
    manifest = scan(landed.raw, settings, None, datetime(2026, 11, 21, tzinfo=UTC)).to_pylist()
    refused = {row["path"]: row["status"] for row in manifest if row["status"] != "accepted"}
    damaged = pq.read_table(landed.truth / "files.parquet").to_pylist()
    assert refused == {row["file"]: row["status"] for row in damaged}
    assert sum(row["option_rows"] for row in manifest if row["status"] == "accepted") == 20_000


def test_a_sequence_number_names_one_event_and_grows_with_time(landed: Landed) -> None:
    with connect(landed) as connection:
        for table in ("ticks", "underlying"):
            first = f"SELECT * FROM {table} QUALIFY row_number() OVER (PARTITION BY sequence ORDER BY file) = 1"
            jumps = one(connection, f"""SELECT count(*) FROM (
                SELECT timestamp < lag(timestamp) OVER (ORDER BY sequence) AS is_back FROM ({first})
                WHERE (timestamp AT TIME ZONE 'Asia/Seoul')::TIME NOT BETWEEN '06:00:01' AND '08:59:59'
                  AND (timestamp AT TIME ZONE 'Asia/Seoul')::TIME NOT BETWEEN '15:45:01' AND '17:59:59')
                WHERE is_back""")  # fmt: skip
            assert jumps == 0


def test_progress_adds_up(tmp_path: Path) -> None:
    seen: list[int] = []
    simulate(tmp_path / "raw", tmp_path / "truth", days=2, rows_per_day=1_000, seed=1, profile="hostile",
             last_date=SATURDAY, progress=seen.append)  # fmt: skip
    assert sum(seen) == 2_000
    assert len(seen) == 4


def test_a_thin_day_is_simulated_too(tmp_path: Path) -> None:
    assert land(tmp_path, "hostile", rows_per_day=simulation.LEAST_ROWS_A_DAY).report.rows == 200


@pytest.mark.parametrize(
    ("wrong", "words"),
    [({"days": 0}, "at least one"), ({"rows_per_day": 10}, "200 to"), ({"seed": -1}, "0 or more"),
     ({"profile": "calm"}, "realistic, hostile")],
)  # fmt: skip
def test_a_wrong_argument_is_refused_in_words(tmp_path: Path, wrong: dict[str, object], words: str) -> None:
    arguments: dict[str, object] = {"days": 1, "rows_per_day": 1_000, "seed": 1, "profile": "realistic"}
    with pytest.raises(ValueError, match=words):
        simulate(tmp_path / "raw", tmp_path / "truth", last_date=SATURDAY, **(arguments | wrong))  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_files_of_another_simulation_are_not_mixed_with_this_one(tmp_path: Path) -> None:
    folder = tmp_path / "raw" / "simulated" / "2026-11-20"
    folder.mkdir(parents=True)
    (folder / "part-0007.parquet").write_bytes(b"")
    with pytest.raises(FileExistsError, match=r"part-0007\.parquet.*remove the folder"):
        land(tmp_path)


@pytest.mark.slow
def test_a_killed_simulation_leaves_whole_files_only_and_can_be_run_again(tmp_path: Path) -> None:
    script = (
        "import sys; from datetime import date; from pathlib import Path; "
        "from lakehouse_assets.sources.simulator import simulate; "
        "simulate(Path(sys.argv[1]) / 'raw', Path(sys.argv[1]) / 'truth', days=1, rows_per_day=3_000_000, seed=3, "
        "profile='realistic', last_date=date(2026, 11, 20), progress=lambda n: print(n, flush=True))"
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()  # the first file is being encoded
    deadline = time.monotonic() + 60
    while not list(tmp_path.rglob(".*.part")) and time.monotonic() < deadline:
        pass
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert list(tmp_path.rglob(".*.part")), "it was killed in the middle of a file"
    whole = [path for path in tmp_path.rglob("*.parquet") if not path.name.startswith(".")]
    assert all(pq.read_metadata(path).num_rows > 0 for path in whole)
    assert len(whole) < 12


def test_a_simulation_of_monday_begins_on_friday_evening(tmp_path: Path) -> None:
    simulate(tmp_path / "raw", tmp_path / "truth", days=1, rows_per_day=2_000, seed=1, profile="realistic",
             last_date=date(2026, 11, 16))  # fmt: skip
    times = pq.read_table(
        tmp_path / "raw/simulated/2026-11-16/part-0000.parquet", columns=["timestamp", "trading_date"]
    )
    assert str(times["timestamp"][0].as_py().date()) == "2026-11-13"
    assert set(times["trading_date"].to_pylist()) == {date(2026, 11, 16)}
