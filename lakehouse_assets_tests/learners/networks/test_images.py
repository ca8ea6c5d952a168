"""Images from rows: whole, in order, and refused where no network could learn from them."""

import numpy as np
import pyarrow as pa
import pytest

from lakehouse_assets.learners.networks.images import Images, images_of
from lakehouse_assets.sources.images.rows import image_rows

PIXELS = np.random.default_rng(3).integers(0, 256, (6, 28, 28)).astype(np.uint8)
LABELS = bytes([4, 1, 4, 9, 1, 4])


def batch(split: str = "train", first: int = 0, count: int = 6) -> pa.RecordBatch:
    return image_rows("digits", split, first, LABELS[:count], PIXELS[:count].tobytes())


def test_images_are_in_the_order_of_their_index_however_they_arrive() -> None:
    mixed = batch().take(pa.array([3, 0, 5, 1, 2, 4]))
    for batches in ([batch()], [mixed], [mixed.slice(4), batch("test"), mixed.slice(0, 4)]):
        found = images_of(batches, "train")
        assert np.array_equal(found.pixels, PIXELS)
        assert found.pixels.dtype == np.uint8
        assert found.labels.dtype == np.int8
        assert bytes(found.labels) == LABELS


def test_only_the_split_that_was_asked_for_is_there() -> None:
    batches = [batch("train"), batch("test", count=2)]
    assert (len(images_of(batches, "train")), len(images_of(batches, "test"))) == (6, 2)


def test_an_empty_split_and_a_repeated_index_are_refused() -> None:
    with pytest.raises(ValueError, match="no image of split test: materialize raw_mnist_images"):
        images_of([batch()], "test")
    with pytest.raises(ValueError, match="no image of split train"):
        images_of([], "train")
    with pytest.raises(ValueError, match="is there twice"):
        images_of([batch(), batch(first=5, count=1)], "train")


def test_an_image_of_another_size_is_refused() -> None:
    wrong = batch().set_column(3, "pixels", pa.array([bytes(64)] * 6, pa.binary()))
    with pytest.raises(ValueError, match="an image has 64 pixels, not 28 x 28"):
        images_of([wrong], "train")


@pytest.mark.parametrize(
    ("labels", "shape"),
    [([], (0, 28, 28)), ([1], (2, 28, 28)), ([1], (1, 8, 8)), ([10], (1, 28, 28)), ([-1], (1, 28, 28))],
)
def test_what_no_network_can_learn_from_is_refused(labels: list[int], shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"needed|outside 0 to 9"):
        Images(np.array(labels, np.int8), np.zeros(shape, np.uint8))


def test_majority_and_brightness_are_those_of_the_images() -> None:
    images = Images(np.frombuffer(LABELS, np.int8), PIXELS)
    assert images.majority == 4
    assert images.brightness == pytest.approx((PIXELS.mean(), PIXELS.std()), rel=1e-12)
