"""What is promised of what has landed: the manifest of files, and the images that the networks learn from."""

from typing import Final

from lakehouse_assets.contracts.contract import Column, Contract, Rule
from lakehouse_assets.layers import RAW

FILE_STATUSES = ("accepted", "rejected", "duplicate")

IMAGE_COUNTS: Final[dict[str, dict[str, int]]] = {
    "mnist": {"train": 60_000, "test": 10_000},
    "digits": {"train": 1_437, "test": 360},
}
"""Images by origin and split."""

RAW_OPTION_TICK_FILES = Contract(
    table="raw_option_tick_files",
    layer=RAW,
    description="Every file of the landing zone: what it holds, and why not where it is not taken in.",
    grain="one landed file and one trading date that it holds (a rejected or duplicate file has one row, no date)",
    columns=(
        Column("path", "string", "Path relative to the landing zone", required=True),
        Column("source", "string", "Feed as named in the settings: the first folder of the path", required=True),
        Column("adapter", "string", "Adapter that reads it", required=True),
        Column("trading_date", "date", "Trading date held by the file; null where nothing is taken from it"),
        Column("bytes", "long", "Size of the file", unit="bytes", required=True, minimum=0),
        Column("sha256", "string", "Digest of the file's bytes", required=True),
        Column("option_rows", "long", "Option ticks of this trading date", unit="rows", required=True, minimum=0),
        Column("underlying_rows", "long", "Ticks of underlyings of this trading date", unit="rows", required=True,
               minimum=0),
        Column("first_seen", "timestamptz", "When these bytes were first seen under this path", required=True),
        Column("modified_ns", "long", "The file's modification time, by which an unchanged file is not read again",
               unit="ns since 1970-01-01 UTC", required=True),
        Column("status", "string", "accepted, rejected, or duplicate (same bytes as an accepted file)", required=True,
               allowed=FILE_STATUSES),
        Column("reason", "string", "Why it was rejected, or which file it repeats"),
    ),
    key=("path", "trading_date"),
    partition=(),
    sort=("source", "path", "trading_date"),
    rules=(
        Rule("accepted_files_have_a_date", "status <> 'accepted' OR trading_date IS NOT NULL",
             "What is taken in belongs to a trading date"),
        Rule("others_have_a_reason", "status = 'accepted' OR reason IS NOT NULL",
             "What is not taken in says why"),
    ),
)  # fmt: skip

RAW_MNIST_IMAGES = Contract(
    table="raw_mnist_images",
    layer=RAW,
    description="Images of handwritten digits: MNIST as published, or scikit-learn's bundled digits in its shape.",
    grain="one image",
    columns=(
        Column("split", "string", "train to learn from, test to be judged by, as published", required=True,
               allowed=("train", "test")),
        Column("image_index", "long", "Position within its split, from 0", required=True, minimum=0),
        Column("label", "int", "The digit that was written", required=True, minimum=0, maximum=9),
        Column("pixels", "binary", "One byte a pixel, row by row from the top left: 0 background, 255 ink",
               required=True),
        Column("width", "int", "Pixels of a row", unit="pixels", required=True, minimum=28, maximum=28),
        Column("height", "int", "Rows", unit="pixels", required=True, minimum=28, maximum=28),
        Column("origin", "string", "mnist, or digits: scikit-learn's 8 x 8 pixels, enlarged to 24 x 24 within a border",
               required=True, allowed=tuple(IMAGE_COUNTS),
               source="mnist: LeCun, Cortes, Burges; digits: Alpaydin, Kaynak (UCI, 1998)"),
    ),
    key=("split", "image_index"),
    partition=(),
    sort=("split", "image_index"),
)  # fmt: skip
