"""A partition of another lake's table, brought here file by file, byte by byte.

Belongs here: where a copied file goes, writing and verifying it, the commit that shows it. Does not: which partitions
are copied, and in which order (`services.copying`).

A file keeps its place below its table, and with it the content key of its commit: whoever materializes the partition
here finds the very content that it would make. The place is the same for every attempt, so a staged file is never
removed: it may be another attempt's, and may be published.
"""

import hashlib
from collections.abc import Callable, Mapping

from pyiceberg.exceptions import TableAlreadyExistsError
from pyiceberg.io import FileIO, InputStream, OutputStream
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table as IcebergTable

from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.lake.catalog import TABLE_PROPERTIES, Lake, TableMissing
from lakehouse_assets.lake.commit import publish
from lakehouse_assets.lake.content_hash import content_hash
from lakehouse_assets.lake.held import Held
from lakehouse_assets.lake.schema import field_ids, refuse_other_layout
from lakehouse_assets.lake.staging import Staged, StagedPartition
from lakehouse_assets.lake.storage import make_folder
from lakehouse_assets.lake.strays import refuse_stray_file
from lakehouse_assets.lake.table import Table, described
from lakehouse_assets.settings import NAMESPACE

COPIED_AT_ONCE = 1 << 22
"""Bytes held of a file while it is copied."""

Advance = Callable[[int], None]
"""Told the bytes of each piece that was written."""

_CARRIED = (
    "content", "file_format", "partition", "record_count", "file_size_in_bytes", "column_sizes", "value_counts",
    "null_value_counts", "nan_value_counts", "lower_bounds", "upper_bounds", "split_offsets",
)  # fmt: skip
"""What the manifest says of a file, wherever it lies."""


class CopyMismatch(RuntimeError):
    """What arrived is not what was sent; it is not visible, and the message says which file or rows."""


class ForeignShape(ValueError):
    """The table that is there numbers its columns otherwise; the message says what to do."""


def open_like(lake: Lake, contract: Contract, source: IcebergTable) -> IcebergTable:
    """The table here, made with the columns and ids of the source where it is missing.

    Raises:
        ForeignShape, SchemaConflict: it has another shape (`refuse_other_shape`).
    """
    try:
        table = lake.load(contract.table)
    except TableMissing:
        try:
            table = lake.catalog.create_table(
                (NAMESPACE, contract.table),
                schema=source.schema(),
                partition_spec=source.spec(),
                sort_order=source.sort_order(),
                properties=TABLE_PROPERTIES,
            )
        except TableAlreadyExistsError:  # another process was faster
            table = lake.load(contract.table)
    refuse_other_shape(contract, table, source)
    return table


def refuse_other_shape(contract: Contract, table: IcebergTable, source: IcebergTable) -> None:
    """Refuse a table that the source's files cannot be attached to; where it is to be made, the source's own is asked.

    Raises:
        ForeignShape: it numbers a column otherwise: the source's files would be misread.
        SchemaConflict: its partitions are not those of the settings.
    """
    refuse_other_layout(contract, table.spec())
    ours = {one.name: one.field_id for one in table.schema().fields}
    theirs = {one.name: one.field_id for one in source.schema().fields}
    if differing := sorted(name for name, number in theirs.items() if ours.get(name, number) != number):
        raise ForeignShape(
            f"{contract.table}: the table that is there numbers {', '.join(differing)} otherwise than the source, so "
            "the source's files would be misread: drop it there where nothing needs it, then copy again"
        )


def copy_partition(
    lake: Lake,
    source: Table,
    io: FileIO,
    part: Held,
    before: Held | None,
    properties: Mapping[str, str],
    advance: Advance = lambda _: None,
) -> Held:
    """Bring one partition here and show it in one commit, once its bytes and its rows are those of the source.

    Args:
        lake: the lake that it is brought to; the table is there (`open_like`).
        source: the source's rows at the snapshot that is copied.
        io: reads the source's files.
        part: what the source holds of the partition there; without files, where it has no rows any more.
        before: what the partition held here when it was decided to bring it; None where it held nothing.
        properties: what the snapshot says of itself.
        advance: progress.

    Returns:
        What the partition holds here now.

    Raises:
        CopyMismatch: what arrived differs; nothing of it is visible.
        PublishConflict: the partition holds something else by now than it did before; that stays.
        StrayRows: a file holds rows of another partition.
    """
    contract = source.contract
    staged = _staged(lake, contract, io, part, before, advance)
    (brought,) = staged.partitions
    sent, arrived = content_hash(source.only(part.key)), content_hash(staged.table(brought))
    if sent != arrived:
        raise CopyMismatch(
            f"{contract.table} {part.key}: the rows arrived otherwise (content {sent[:12]} became {arrived[:12]}); "
            "they are not visible: copy again, and look at the store if it happens twice"
        )
    publish(lake, staged, properties)
    return Held(part.key, part.content, brought.data_files)


def _staged(lake: Lake, contract: Contract, io: FileIO, part: Held, before: Held | None, advance: Advance) -> Staged:
    """Bring the files of a partition, each equal to the byte, so that they can be published."""
    table = lake.load(contract.table)
    base = frozenset(file.file_path for file in before.files) if before else frozenset[str]()
    places = part.places(table.location())
    for path, place in places.items():
        _copy_file(io, path, table.io, place, advance)
    files = tuple(_at(file, places[file.file_path], table.metadata.default_spec_id) for file in part.files)
    for file in files:
        refuse_stray_file(contract, table.metadata, part.key, file)
    planned = tuple(described(file, None) for file in files)
    return Staged(
        contract,
        (StagedPartition(part.key, part.content, base, planned, files, None, False, 0.0),),
        {}, field_ids(contract, table.metadata), lake.settings, {},
    )  # fmt: skip


def _at(file: DataFile, place: str, spec_id: int) -> DataFile:
    """The same entry of a manifest for the file at its new place."""
    moved = DataFile.from_args(file_path=place, **{name: getattr(file, name) for name in _CARRIED})
    moved.spec_id = spec_id
    return moved


def _copy_file(source: FileIO, path: str, target: FileIO, place: str, advance: Advance) -> None:
    """Stream one file to its place and read it back.

    Raises:
        CopyMismatch: other bytes came back.
    """
    make_folder(place)
    with (
        source.new_input(path).open() as reading,
        target.new_output(place).create(overwrite=True) as writing,
    ):
        sent = copy_stream(reading, writing, advance)
    with target.new_input(place).open() as reading:
        arrived = _sha256(reading)
    if sent != arrived:
        raise CopyMismatch(
            f"{place}: sha256 {sent[:12]} was sent, {arrived[:12]} came back; the file is not visible: "
            "copy again, and look at the store if it happens twice"
        )


def copy_stream(reading: InputStream, writing: OutputStream, advance: Advance = lambda _: None) -> str:
    """Copy what is left of a stream in small pieces; the sha256 of what was read, in hex."""
    sent = hashlib.sha256()
    while block := reading.read(COPIED_AT_ONCE):
        sent.update(block)
        writing.write(block)
        advance(len(block))
    return sent.hexdigest()


def _sha256(stream: InputStream) -> str:
    digest_of = hashlib.sha256()
    while block := stream.read(COPIED_AT_ONCE):
        digest_of.update(block)
    return digest_of.hexdigest()
