"""What a table holds of each of its partitions, named by its content.

Belongs here: files and contents by partition key, at one snapshot. Does not: bringing them elsewhere (`copies`).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from pyiceberg.manifest import DataFile
from pyiceberg.table import Table as IcebergTable

from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.lake.paths import KEY_DIGITS, commit_key_of, place_of
from lakehouse_assets.lake.query import digest
from lakehouse_assets.lake.staging import WHOLE
from lakehouse_assets.lake.table import data_files


@dataclass(frozen=True)
class Held:
    """What a table holds of one partition at one snapshot; `content` names it, equal where the content is."""

    key: str
    content: str
    files: tuple[DataFile, ...] = field(repr=False)

    @property
    def bytes(self) -> int:
        """Bytes of the files."""
        return sum(file.file_size_in_bytes for file in self.files)

    @property
    def rows(self) -> int:
        """Rows of the files."""
        return sum(file.record_count for file in self.files)

    def places(self, location: str) -> dict[str, str]:
        """Where each file goes below a table's location, by its path; the content's name is part of it."""
        root = location.rstrip("/")
        if {commit_key_of(file.file_path) for file in self.files} == {self.content}:
            return {file.file_path: root + place_of(file.file_path) for file in self.files}
        folder = f"{root}/data/{self.content}-{self.content[:8]}"
        named = ((file.file_path, file.file_path.rpartition("/")[2]) for file in self.files)
        return {path: f"{folder}/{number}-{name}" for number, (path, name) in enumerate(sorted(named))}


def held(table: IcebergTable, contract: Contract, snapshot_id: int | None = None) -> dict[str, Held]:
    """What a snapshot (default: the current one) holds, by partition key, in their order.

    Raises:
        DeleteFilesFound: a foreign writer deleted single rows.
    """
    by_key: dict[str, list[DataFile]] = {}
    for file, date in data_files(table, contract, None, snapshot_id):
        by_key.setdefault(date.isoformat() if date else WHOLE, []).append(file)
    return {key: Held(key, _content(files), tuple(files)) for key, files in sorted(by_key.items())}


def emptied(key: str, last: str, shown: str) -> Held:
    """A partition that a table holds no rows of any more.

    Args:
        key: the partition.
        last: the content that was published there last: the commit that emptied it, unless a foreign writer did.
        shown: the content of the rows that give way, which no commit without rows may be called.
    """
    return Held(key, last if last != shown else digest([key, shown])[:KEY_DIGITS], ())


def _content(files: Iterable[DataFile]) -> str:
    """The content key of the commit that wrote the files; of a foreign writer's files a digest of their names."""
    known = list(files)
    keys = {commit_key_of(file.file_path) for file in known}
    only = next(iter(keys)) if len(keys) == 1 else None
    named = sorted((file.file_path, file.file_size_in_bytes, file.record_count) for file in known)
    return only or digest(named)[:KEY_DIGITS]
