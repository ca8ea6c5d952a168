"""The gate of the images: all of one origin, every digit, every pixel."""

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from lakehouse_assets.contracts.raw import IMAGE_COUNTS, RAW_MNIST_IMAGES
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.content_hash import content_hash
from lakehouse_assets.lake.gates import Verdict, contract_gate, freshness_gate, images_gate
from lakehouse_assets.lake.judging import judge
from lakehouse_assets.lake.query import Rows
from lakehouse_assets.lake.staging import WHOLE, stage
from lakehouse_assets.sources.images.rows import SCHEMA, image_rows

GATES = {
    "contract": contract_gate(RAW_MNIST_IMAGES),
    "images": images_gate(RAW_MNIST_IMAGES),
    "freshness": freshness_gate(RAW_MNIST_IMAGES),
}


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """An origin of thirty images, so that a test is quick."""
    monkeypatch.setitem(IMAGE_COUNTS, "digits", {"train": 20, "test": 10})


def images(change: Callable[[list[dict[str, Any]]], Any] = lambda rows: None) -> pa.Table:
    """Thirty images; `change` may do something to their rows."""
    rows: list[dict[str, Any]] = []
    for split, count in (("train", 20), ("test", 10)):
        labels = bytes(number % 10 for number in range(count))
        rows += image_rows("digits", split, 0, labels, bytes(784 * count)).to_pylist()
    change(rows)
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def judged(lake: Lake, rows: pa.Table) -> dict[str, Verdict]:
    staged = stage(lake, RAW_MNIST_IMAGES, Rows(rows), [WHOLE])
    found = judge([staged], {RAW_MNIST_IMAGES.table: tuple(GATES.values())})
    return {name: one.verdict for name, one in zip(GATES, found, strict=True)}


def test_whole_images_pass_and_are_counted(lake: Lake) -> None:
    found = judged(lake, images())
    assert all(verdict.passed for verdict in found.values())
    assert found["images"].words == "all images of digits: 10 test and 20 train"
    assert found["images"].values == {"origin": "digits", "test_images": 10, "train_images": 20}
    assert found["freshness"].words == "the table has no trading dates, so it does not age"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: rows.pop(), "digits holds 20 train and 10 test, found 9 test and 20 train"),
        (lambda rows: [row.update(label=3) for row in rows if row["label"] == 8], "train has no image of 8; test has"),
        (lambda rows: rows[4].update(pixels=bytes(783)), "1 images have other than width x height bytes"),
        (lambda rows: rows[4].update(origin="mnist"), "images of one origin are expected, found digits, mnist"),
        (lambda rows: rows.clear(), "images of one origin are expected, found no image"),
        (lambda rows: [row.update(split="train") for row in rows], "digits holds 20 train and 10 test, found 30 train"),
    ],
)
def test_what_is_missing_or_torn_is_refused_and_named(
    lake: Lake, change: Callable[[list[dict[str, Any]]], Any], words: str
) -> None:
    found = judged(lake, images(change))["images"]
    assert not found.passed
    assert words in found.words


@pytest.mark.parametrize(
    ("change", "breach"),
    [
        (lambda rows: rows[0].update(label=10), "label_is_above_9"),
        (lambda rows: rows[0].update(label=-1), "label_is_below_0"),
        (lambda rows: rows[1].update(image_index=0), "key_is_repeated"),
        (lambda rows: rows[0].update(split="validation"), "split_is_not_allowed"),
        (lambda rows: rows[0].update(width=8), "width_is_below_28"),
    ],
)
def test_a_value_outside_the_contract_is_refused(
    lake: Lake, change: Callable[[list[dict[str, Any]]], Any], breach: str
) -> None:
    found = judged(lake, images(change))["contract"]
    assert not found.passed
    assert breach in found.values


def test_bytes_are_kept_to_the_last_one_and_told_apart(lake: Lake) -> None:
    odd = (bytes(range(256)) * 3 + b"\0', \\x00\xff'] nu").ljust(784, b"l")
    assert len(odd) == 784
    table = images(lambda rows: rows[7].update(pixels=odd))
    staged = stage(lake, RAW_MNIST_IMAGES, Rows(table), [WHOLE])
    shown = staged.table(staged.partitions[0])
    found = (
        shown.batches(order_by=("split", "image_index"))
        .read_all()
        .filter(pa.array([False] * 17 + [True] + [False] * 12))
    )
    assert found["pixels"].to_pylist() == [odd]
    same = stage(lake, RAW_MNIST_IMAGES, Rows(images()), [WHOLE])
    assert content_hash(shown) == content_hash(shown)
    assert content_hash(shown) != content_hash(same.table(same.partitions[0]))
