"""Who writes a partition's files: DuckDB into a folder, or another engine into a clone of the target.

Belongs here: from content to guarded data files. Does not: what is current, judged or published.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pyiceberg.manifest import DataFile
from pyiceberg.table import Table as IcebergTable
from pyiceberg.table.metadata import TableMetadata

from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.clones import STAGING, Clone, drop_clone, make_clone, read_clone
from lakehouse_assets.lake.engine import connect, partitions_in, split_file, write_file
from lakehouse_assets.lake.engines import ForeignName, opened
from lakehouse_assets.lake.engines.statements import insert
from lakehouse_assets.lake.query import Content, Query
from lakehouse_assets.lake.storage import remove_folder
from lakehouse_assets.lake.strays import guarded, refuse_stray_file, refuse_strays


@dataclass(frozen=True)
class Target:
    """The table that is written, with its metadata and field ids as they will be when it is published."""

    lake: Lake
    table: IcebergTable
    metadata: TableMetadata
    contract: Contract
    ids: Mapping[str, int]


@dataclass(frozen=True)
class WrittenFiles:
    """A partition's files, and the clone that shows them where another engine wrote them."""

    data_files: tuple[DataFile, ...]
    clone: Clone | None = None


def foreign_engine(lake: Lake, contract: Contract, content: Content) -> ForeignName | None:
    """The engine other than DuckDB that computes the content; files and rows from Python are DuckDB's in any case."""
    name = lake.settings.engine_of(contract.table)
    return name if name != "duckdb" and isinstance(content, Query) else None


def by_duckdb(target: Target, content: Content, key: str, folder: str) -> WrittenFiles:
    """Stream the rows into files of `folder`, one a partition."""
    return WrittenFiles(tuple(_stream(target, content, key, folder)))


def by_engine(engine: ForeignName, target: Target, query: Query, key: str, folder: str) -> WrittenFiles:
    """Have the engine insert the rows into a clone whose files go to `folder`.

    Raises:
        EngineFailed: the engine refused or is not there; the clone is gone.
        StrayRows: a row belongs to another partition; the clone is gone.
        WrittenTwice: the insert was carried out more than once; the clone is gone.
    """
    lake, contract = target.lake, target.contract
    name = make_clone(lake, target.table, target.metadata, folder)
    try:
        opened(engine, lake.settings).run(insert(engine, query, key, contract, (STAGING, name)))
        clone, files = read_clone(lake, name)
        for file in files:
            refuse_stray_file(contract, target.metadata, key, file)
        return WrittenFiles(files, clone)
    except BaseException:
        drop_clone(lake, name)
        raise


def _stream(target: Target, content: Content, key: str, folder: str) -> Iterator[DataFile]:
    contract, settings, path = target.contract, target.lake.settings, f"{folder}/data.parquet"
    with connect(settings) as connection:
        select, parameters = content.open(connection, key)
        if not write_file(connection, select, contract, target.ids, path, parameters):
            remove_folder(settings, folder)
            content.confirm(key)
            return
        paths = [path]
        if contract.partition:
            partitions = partitions_in(connection, contract, path)
            refuse_strays(contract, key, partitions)
            if len(partitions) > 1:
                paths = split_file(settings, connection, contract, target.ids, path, partitions)
    content.confirm(key)
    for written in paths:
        yield guarded(target.table, target.metadata, contract, key, written)
