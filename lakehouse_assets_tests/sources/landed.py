"""Landing one file and reading it, as the tests of the feeds do."""

from pathlib import Path

import pyarrow as pa
import pytest

from lakehouse_assets.settings import SourceSettings
from lakehouse_assets.sources.adapter import Adapter, FileRefused, LandedFile

LEAN = SourceSettings(adapter="lean", venue="OPRA", currency="USD", files="**/*.zip", contract_multiplier=None)
KRX = SourceSettings(adapter="krx_b6034", venue="KRX", currency="KRW", files="**/*", contract_multiplier=None)


def landed(path: Path, name: str, settings: SourceSettings, batch_size: int = 100_000) -> LandedFile:
    """A file as the landing zone would hand it to its adapter."""
    return LandedFile(path, name, name.split("/", maxsplit=1)[0], settings, batch_size)


def ticks(read: Adapter, file: LandedFile, kind: str = "option") -> pa.Table:
    """All ticks of a file as one table; every batch is of this kind and within the batch size."""
    batches = []
    for found, batch in read(file):
        assert found == kind
        assert 0 < batch.num_rows <= file.batch_size
        batch.validate(full=True)
        batches.append(batch)
    return pa.Table.from_batches(batches)


def refusal(read: Adapter, file: LandedFile) -> FileRefused:
    """What the adapter says of a file that it refuses; the message names the file and the code."""
    with pytest.raises(FileRefused) as caught:
        list(read(file))
    assert str(caught.value).startswith(f"{caught.value.reason}: ")
    assert Path(file.name).name in str(caught.value)
    return caught.value
