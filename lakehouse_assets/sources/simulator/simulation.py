"""A simulation from end to end: trading date by trading date, file by file, in bounded memory.

Belongs here: the order of the work and its report. Does not: what a tick looks like.
Every random number comes from (seed, trading date, stream), so the same arguments give the same bytes. One file is
drawn while the one before it is encoded: about three files are in memory at a time, however long the simulation.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa

from lakehouse_assets.sources.simulator.books import Day
from lakehouse_assets.sources.simulator.chain import list_chain
from lakehouse_assets.sources.simulator.clock import cumulated_arrivals, trading_dates
from lakehouse_assets.sources.simulator.columns import option_table
from lakehouse_assets.sources.simulator.events import Ticks, draw_ticks
from lakehouse_assets.sources.simulator.faults import RATES, FaultRates, Profile
from lakehouse_assets.sources.simulator.file_faults import NAMES, damage, files_hit
from lakehouse_assets.sources.simulator.injection import inject
from lakehouse_assets.sources.simulator.market import open_market
from lakehouse_assets.sources.simulator.redelivery import delivered_again
from lakehouse_assets.sources.simulator.truth import FILE_SCHEMA, truth_table
from lakehouse_assets.sources.simulator.underlying import underlying_table
from lakehouse_assets.sources.simulator.writer import write_parquet

ROWS_A_FILE = 500_000
LEAST_ROWS_A_DAY = 200
FIRST_LEVEL = 420.0
"""Index points."""
_MARKET, _UNDERLYING, _FIRST_FILE = 0, 1, 2

Progress = Callable[[int], None]


@dataclass(frozen=True)
class SimulationReport:
    """What was landed: `files` and `bytes` with the damaged ones, `rows` of options and `underlying_rows` without them.

    `faults` counts the rows of each reason code and the files of each damage.
    """

    files: int
    rows: int
    underlying_rows: int
    bytes: int
    faults: dict[str, int]
    seconds: float


@dataclass
class _Tally:
    paths: list[Path] = field(default_factory=list)
    rows: int = 0
    underlying_rows: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    damaged: list[dict[str, str | None]] = field(default_factory=list)


def simulate(  # noqa: PLR0913 - these are the options of the console script's verb
    raw: Path,
    truth: Path,
    *,
    days: int,
    rows_per_day: int,
    seed: int,
    profile: Profile,
    last_date: date,
    source: str = "simulated",
    progress: Progress | None = None,
) -> SimulationReport:
    """Land simulated option ticks, and write down the truth about their faults elsewhere.

    Args:
        raw: the landing zone; files go to `<raw>/<source>/<trading date>/`.
        truth: a folder that no pipeline reads (`truth` says what is in it).
        days: trading dates, counted back from `last_date`.
        rows_per_day: option ticks a trading date, all faults included; ticks of the index come on top.
        seed: the same arguments give the same bytes.
        profile: how often things go wrong.
        last_date: the last trading date, or a day of the weekend after it.
        source: the feed's name.
        progress: is told after each file how many option ticks it has.

    Raises:
        ValueError: an argument is out of range.
        FileExistsError: the landing zone holds other files for these dates.
    """
    started = time.perf_counter()
    _check(days, rows_per_day, seed, profile)
    dates = trading_dates(days, last_date)
    faults = files_hit(days, RATES[profile])
    _refuse_strangers([raw / source / f"{day}" for day in dates], _files(rows_per_day), faults)
    tally = _Tally()
    for day, hit in zip(_days(dates, rows_per_day, seed), faults, strict=True):
        folder = raw / source / f"{day.chain.trading_date}"
        _land_options(day, folder, truth, rows_per_day, seed, RATES[profile], tally, progress)
        _land_underlying(day, folder, seed, tally)
        for damaged in damage(folder, hit):
            tally.damaged.append(damaged)
            tally.faults[str(damaged["fault"])] += 1
            tally.paths.append(raw / str(damaged["file"]))
    write_parquet(pa.Table.from_pylist(tally.damaged, schema=FILE_SCHEMA), truth / "files.parquet")
    size = sum(path.stat().st_size for path in tally.paths)
    seconds = time.perf_counter() - started
    return SimulationReport(
        len(tally.paths), tally.rows, tally.underlying_rows, size, dict(sorted(tally.faults.items())), seconds
    )


def _check(days: int, rows_per_day: int, seed: int, profile: str) -> None:
    if days < 1:
        raise ValueError(f"days is {days}: simulate at least one")
    if not LEAST_ROWS_A_DAY <= rows_per_day < 10**9:
        raise ValueError(f"rows_per_day is {rows_per_day}: choose {LEAST_ROWS_A_DAY} to 999,999,999")
    if seed < 0:
        raise ValueError(f"seed is {seed}: choose 0 or more")
    if profile not in RATES:
        raise ValueError(f"profile is {profile!r}: choose one of {', '.join(RATES)}")


def _files(rows_per_day: int) -> int:
    """Files of options a day: two at least, so that one can repeat the other."""
    return max(2, -(-rows_per_day // ROWS_A_FILE))


def _refuse_strangers(folders: list[Path], files: int, faults: list[frozenset[str]]) -> None:
    """Two simulations in one folder would be one feed with nonsense in it."""
    own = {f"part-{number:04d}.parquet" for number in range(files)} | {"underlying-0000.parquet"}
    for folder, hit in zip(folders, faults, strict=True):
        present = {path.name for path in folder.glob("[!.]*")} if folder.is_dir() else set()
        if strangers := present - own - {NAMES[fault] for fault in hit}:
            raise FileExistsError(
                f"{folder} holds {', '.join(sorted(strangers))}, which this simulation would not write: "
                "remove the folder, or simulate other dates or another source"
            )


def _rng(seed: int, trading_date: date, stream: int) -> np.random.Generator:
    return np.random.default_rng([seed, trading_date.toordinal(), stream])


def _days(dates: list[date], rows_per_day: int, seed: int) -> Iterator[Day]:
    """The trading dates, each opening near the close of the one before."""
    level = FIRST_LEVEL
    for number, trading_date in enumerate(dates):
        rng = _rng(seed, trading_date, _MARKET)
        chain = list_chain(trading_date, level, rng)
        market = open_market(chain, level, rng)
        yield Day(number, chain, market, cumulated_arrivals(rows_per_day, rng))
        level = float(market.index[-1]) * float(np.exp(rng.normal(0.0, 0.002)))


def _land_options(
    day: Day,
    folder: Path,
    truth: Path,
    rows: int,
    seed: int,
    rates: FaultRates,
    tally: _Tally,
    progress: Progress | None,
) -> None:
    """Draw the day's files one after the other, each while the one before is encoded."""
    with ThreadPoolExecutor(1, "encode") as encoder:
        written: Future[dict[str, int]] | None = None
        for number, ticks in enumerate(_drawn(day, rows, seed, rates)):
            if written is not None:
                tally.faults.update(written.result())
            path = folder / f"part-{number:04d}.parquet"
            written = encoder.submit(_encode, ticks, day, path, truth)
            tally.paths.append(path)
            tally.rows += len(ticks)
            if progress is not None:
                progress(len(ticks))
        if written is not None:
            tally.faults.update(written.result())


def _drawn(day: Day, rows: int, seed: int, rates: FaultRates) -> Iterator[Ticks]:
    """The ticks of each of the day's files."""
    files = _files(rows)
    edges = [rows * number // files for number in range(files + 1)]
    repeats = max(1, round(rates.redelivered * rows / (files - 1)))
    sequence = day.chain.trading_date.toordinal() * 10**9
    before: Ticks | None = None
    for number in range(files):
        rng = _rng(seed, day.chain.trading_date, _FIRST_FILE + number)
        again = None if before is None else delivered_again(before, repeats, rng)
        count = edges[number + 1] - edges[number] - (0 if again is None else len(again))
        span = (edges[number] / rows, edges[number + 1] / rows)
        ticks = draw_ticks(day, span, count, sequence, rates, rng)
        inject(ticks, day.chain.trading_date, rates, int(number == 0), rng)
        sequence += count
        before = ticks
        yield ticks if again is None else ticks.followed_by(again)


def _encode(ticks: Ticks, day: Day, path: Path, truth: Path) -> dict[str, int]:
    write_parquet(option_table(ticks, day.chain), path)
    table, counts = truth_table(f"{path.parent.parent.name}/{path.parent.name}/{path.name}", ticks.truth)
    write_parquet(table, truth / "rows" / path.parent.name / path.name)
    return counts


def _land_underlying(day: Day, folder: Path, seed: int, tally: _Tally) -> None:
    table = underlying_table(day, _rng(seed, day.chain.trading_date, _UNDERLYING))
    path = folder / "underlying-0000.parquet"
    write_parquet(table, path)
    tally.paths.append(path)
    tally.underlying_rows += len(table)
