"""Real processes: many at once, and some that are killed at the worst moment."""

import signal

import pytest

from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.table import pin
from lakehouse_assets_tests.lake.toys import (
    MONDAY,
    TOY,
    TUESDAY,
    data_files,
    head,
    published_files,
    seen,
    start,
    ticks,
    write,
)

PROCESSES, DAYS_EACH = 8, 2

KILLED = {
    "while writing": (
        "class Dying(Rows):\n"
        "    def open(self, connection, key):\n"
        "        connection.create_function('die', lambda x: os.kill(os.getpid(), signal.SIGKILL) or x, ['BIGINT'], "
        "'BIGINT')\n"
        "        connection.register('arrived', self.rows)\n"
        "        return 'SELECT * REPLACE (CASE WHEN id = 290000 THEN die(id) ELSE id END AS id) FROM "
        "(SELECT arrived.* REPLACE (range AS id) FROM arrived, range(300000) WHERE arrived.id = 0)', {}\n"
        "stage(lake, TOY, Dying(ticks(MONDAY, 8, price=2.0)), [MONDAY])"
    ),
    "after the files": (
        "staged = stage_ticks(lake, ticks(MONDAY, 8, price=2.0), [MONDAY])\nverdicts(staged)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    ),
    "inside the commit": (
        "staged = stage_ticks(lake, ticks(MONDAY, 8, price=2.0), [MONDAY])\n"
        "publish(lake, staged, {}, before_commit=lambda: os.kill(os.getpid(), signal.SIGKILL))"
    ),
    "after the commit": (
        "staged = stage_ticks(lake, ticks(MONDAY, 8, price=2.0), [MONDAY])\npublish(lake, staged, {})\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("moment", KILLED)
def test_a_killed_write_leaves_main_as_it_was_or_complete_and_the_rerun_succeeds(lake: Lake, moment: str) -> None:
    write(lake, ticks(MONDAY, 4, price=1.0), MONDAY)
    write(lake, ticks(TUESDAY, 4), TUESDAY)
    before, old = head(lake), seen(lake, [MONDAY])
    process = start(lake.settings, KILLED[moment])
    _, said = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL, said
    is_complete = moment == "after the commit"
    assert (head(lake) != before) == is_complete
    assert len(seen(lake, [MONDAY])) == (8 if is_complete else 4)
    if not is_complete:
        assert seen(lake, [MONDAY]) == old
        assert data_files(lake) > published_files(lake), "it was killed before it wrote anything"
    again = write(Lake(lake.settings), ticks(MONDAY, 8, price=2.0), MONDAY)
    assert again.is_new != is_complete
    assert again.snapshot_id == head(lake)
    assert [row["price"] for row in seen(lake)] == [2.0] * 8 + [1.5] * 4
    assert published_files(lake) <= data_files(lake)


@pytest.mark.slow
def test_days_written_by_eight_processes_at_once_are_all_there(lake: Lake) -> None:
    script = (
        "first = int(sys.argv[2])\nprint('ready', flush=True)\nsys.stdin.readline()\n"
        f"for day in range(first, first + {DAYS_EACH}):\n"
        "    write(lake, ticks(f'2026-10-{day:02}', day), f'2026-10-{day:02}')\n"
    )
    running = [start(lake.settings, script, str(1 + number * DAYS_EACH)) for number in range(PROCESSES)]
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", process.communicate()[1]
    for process in running:  # all begin together, with the first making of catalog, namespace and table
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    failures = [said for process in running if (said := process.communicate(timeout=120)[1]) and process.returncode]
    assert not failures, failures[0]
    held = pin(Lake(lake.settings), TOY)
    rows = {day.isoformat(): sum(f.rows for f in held.files if f.trading_date == day) for day in held.trading_dates}
    assert rows == {f"2026-10-{day:02}": day for day in range(1, PROCESSES * DAYS_EACH + 1)}
    assert len(lake.load("toy_ticks").snapshots()) == PROCESSES * DAYS_EACH
    assert data_files(lake) == published_files(lake)
