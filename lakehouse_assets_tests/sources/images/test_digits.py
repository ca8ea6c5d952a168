"""scikit-learn's digits in the shape of MNIST."""

import numpy as np

from lakehouse_assets.sources.images.digits import digits_batches
from lakehouse_assets.sources.images.rows import SCHEMA


def test_every_digit_is_there_once_enlarged_and_shaded_as_described() -> None:
    from sklearn.datasets import load_digits

    train, test = digits_batches()
    assert train.schema == test.schema == SCHEMA
    assert set(train.column("origin").to_pylist()) == {"digits"}
    assert (train.num_rows, test.num_rows) == (1_437, 360)
    assert test.column("image_index").to_pylist() == list(range(360))
    held = train.column("pixels").to_pylist() + test.column("pixels").to_pylist()
    pixels = np.frombuffer(b"".join(held), np.uint8).reshape(-1, 28, 28)
    border = np.ones((28, 28), bool)
    border[2:26, 2:26] = False
    assert not pixels[:, border].any()
    for row in range(3):
        for column in range(3):  # each of the nine pixels that one was enlarged to
            small = pixels[:, 2 + row : 26 : 3, 2 + column : 26 : 3]
            assert np.array_equal(np.rint(small.astype(np.float64) * 16 / 255), load_digits().images)
    assert pixels.max() == 255
    labels = train.column("label").to_pylist() + test.column("label").to_pylist()
    assert labels == load_digits().target.tolist()
    assert set(test.column("label").to_pylist()) == set(range(10))


def test_the_batches_are_the_same_twice() -> None:
    assert [batch.to_pydict() for batch in digits_batches()] == [batch.to_pydict() for batch in digits_batches()]
