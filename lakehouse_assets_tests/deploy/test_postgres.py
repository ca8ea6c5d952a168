"""What stands in the way of a cluster is said before anything is made."""

import os
from pathlib import Path

import pytest

from deploy.native import postgres
from deploy.native.errors import StackError


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts PostgreSQL as another user")
def test_root_is_told_of_a_folder_that_postgresql_s_user_may_not_enter(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(0o700)
    data = closed / "state" / "data"
    with pytest.raises(StackError, match=rf"{tmp_path.parents[-2]}.* is closed to the user postgres.*--state"):
        postgres.initialise(data, [], {})
    assert not data.exists()
