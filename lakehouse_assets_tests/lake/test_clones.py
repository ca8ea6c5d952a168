"""A clone is for one insert: what is in it twice is not taken."""

from pathlib import Path

import pytest

from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.clones import STAGING, WrittenTwice, make_clone, read_clone, sweep_clones
from lakehouse_assets.settings import Settings
from lakehouse_assets_tests.lake.toys import MONDAY, TOY, ticks, write


def test_an_insert_that_was_carried_out_twice_is_refused(tmp_path: Path) -> None:
    lake = Lake(Settings(home=tmp_path))
    write(lake, ticks(MONDAY, 3), MONDAY)
    sweep_clones(lake, TOY)
    table = lake.load(TOY.table)
    name = make_clone(lake, table, table.metadata, f"{table.location()}/data/clone")
    clone = lake.catalog.load_table((STAGING, name))
    clone.append(ticks(MONDAY, 2).cast(clone.schema().as_arrow()))
    once, files = read_clone(lake, name)
    assert once.snapshot_id is not None
    assert sum(file.record_count for file in files) == 2
    clone.append(ticks(MONDAY, 2).cast(clone.schema().as_arrow()))
    with pytest.raises(WrittenTwice, match=f"{name} was written more than once"):
        read_clone(lake, name)
