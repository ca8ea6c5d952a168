"""The four MNIST files: read to the last pixel, and nothing else is taken for one of them."""

import gzip
import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakehouse_assets.settings import SettingsError
from lakehouse_assets.sources.adapter import FileRefused
from lakehouse_assets.sources.images import idx
from lakehouse_assets.sources.images.idx import FILES, IdxFile, idx_blocks, mnist_batches, verify
from lakehouse_assets.sources.images.rows import SCHEMA
from lakehouse_assets_tests.paths import real_data
from lakehouse_assets_tests.sources.images.idx_files import IMAGES, LABELS, idx_bytes, write


def reason(path: Path, file: IdxFile) -> str:
    with pytest.raises(FileRefused) as caught:
        list(idx_blocks(path, file))
    assert file.name in str(caught.value)
    return caught.value.reason


def test_the_header_is_the_one_that_the_format_describes() -> None:
    assert IMAGES.header == bytes.fromhex("00000803 00000005 0000001c 0000001c")
    assert LABELS.header == bytes.fromhex("00000801 00000005")
    assert (IMAGES.item_bytes, LABELS.item_bytes) == (784, 1)


def test_the_items_come_in_order_and_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idx, "ITEMS_AT_ONCE", 2)
    content = idx_bytes(IMAGES)
    blocks = list(idx_blocks(write(tmp_path, IMAGES, content), IMAGES))
    assert [len(block) // 784 for block in blocks] == [2, 2, 1]
    assert b"".join(blocks) == content[16:]


@pytest.mark.parametrize("size", [0, 1, 7, 15])
def test_a_file_that_ends_within_its_header_is_truncated(tmp_path: Path, size: int) -> None:
    assert reason(write(tmp_path, IMAGES, idx_bytes(IMAGES)[:size]), IMAGES) == "TRUNCATED"


@pytest.mark.parametrize("missing", [1, 784, 5 * 784])
def test_a_file_with_fewer_pixels_than_announced_is_truncated(tmp_path: Path, missing: int) -> None:
    assert reason(write(tmp_path, IMAGES, idx_bytes(IMAGES)[:-missing]), IMAGES) == "TRUNCATED"


def test_a_cut_gzip_is_truncated(tmp_path: Path) -> None:
    path = write(tmp_path, IMAGES, idx_bytes(IMAGES))
    path.write_bytes(path.read_bytes()[:-20])
    assert reason(path, IMAGES) == "TRUNCATED"


@pytest.mark.parametrize("magic", [2049, 2050, 0x0D03, 0x03080000])
def test_another_magic_number_is_not_an_image_file(tmp_path: Path, magic: int) -> None:
    path = write(tmp_path, IMAGES, idx_bytes(IMAGES, magic=magic))
    with pytest.raises(FileRefused, match=f"begins with magic number {magic}, not 2051"):
        list(idx_blocks(path, IMAGES))


@pytest.mark.parametrize(("count", "code"), [(6, "TOO_LARGE"), (2**32 - 1, "TOO_LARGE"), (4, "NOT_WHAT_IT_SAYS")])
def test_a_header_that_announces_other_items_is_refused(tmp_path: Path, count: int, code: str) -> None:
    assert reason(write(tmp_path, IMAGES, idx_bytes(IMAGES, count=count)), IMAGES) == code


def test_more_images_than_the_header_says_are_refused(tmp_path: Path) -> None:
    assert reason(write(tmp_path, IMAGES, idx_bytes(IMAGES) + bytes(1)), IMAGES) == "TOO_LARGE"
    assert reason(write(tmp_path, LABELS, idx_bytes(LABELS) + bytes(1)), LABELS) == "TOO_LARGE"


def test_a_bomb_is_not_expanded(tmp_path: Path) -> None:
    bomb = write(tmp_path, IMAGES, idx_bytes(IMAGES, body=bytes(64 << 20)))
    assert bomb.stat().st_size < 100_000
    blocks = idx_blocks(bomb, IMAGES)
    with pytest.raises(FileRefused) as caught:
        list(blocks)
    assert caught.value.reason == "TOO_LARGE"


def test_plain_bytes_are_no_gzip(tmp_path: Path) -> None:
    path = tmp_path / IMAGES.name
    path.write_bytes(idx_bytes(IMAGES))
    assert reason(path, IMAGES) == "NOT_WHAT_IT_SAYS"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_flipped_byte_is_refused_or_changes_nothing(tmp_path: Path, data: st.DataObject) -> None:
    whole = gzip.compress(idx_bytes(IMAGES), mtime=0)
    held = bytearray(whole)
    held[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    path = tmp_path / IMAGES.name
    path.write_bytes(bytes(held))
    try:
        found = b"".join(idx_blocks(path, IMAGES))
    except FileRefused:
        return
    assert found == idx_bytes(IMAGES)[16:]


def test_absent_files_are_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / FILES[1].name).touch()
    with pytest.raises(SettingsError) as caught:
        verify(tmp_path)
    words = str(caught.value)
    assert f"{tmp_path} lacks {FILES[0].name}, {FILES[2].name}, {FILES[3].name}: put the four" in words
    assert all(file.name in words for file in FILES)
    assert 'set mnist.origin = "digits"' in words


def test_the_original_files_are_known_by_their_digests_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    folder = real_data("mnist")
    verify(folder)
    for file in FILES:
        shutil.copy(folder / file.name, tmp_path / file.name)
        (tmp_path / file.name).chmod(0o600)
    damaged = tmp_path / FILES[3].name
    content = bytearray(damaged.read_bytes())
    content[1_000] ^= 1
    damaged.write_bytes(bytes(content))
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    with pytest.raises(FileRefused) as caught:
        verify(tmp_path)
    assert f"{damaged} has md5 {found}, the original has {FILES[3].md5}" in str(caught.value)


@pytest.mark.slow
def test_all_seventy_thousand_images_are_read_as_they_are() -> None:
    batches = list(mnist_batches(real_data("mnist")))
    assert all(batch.schema == SCHEMA for batch in batches)
    assert max(batch.num_rows for batch in batches) == 10_000
    columns = {name: [v for b in batches for v in b.column(name).to_pylist()] for name in ("split", "image_index")}
    expected = [("train", n) for n in range(60_000)] + [("test", n) for n in range(10_000)]
    assert list(zip(columns["split"], columns["image_index"], strict=True)) == expected
    labels = np.concatenate([batch.column("label").to_numpy() for batch in batches])
    assert labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert labels[60_000:60_010].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert np.bincount(labels[60_000:]).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    train = np.frombuffer(b"".join(v for b in batches[:6] for v in b.column("pixels").to_pylist()), np.uint8)
    assert train.mean() / 255 == pytest.approx(0.1307, abs=5e-5)  # the published mean and deviation
    assert train.std() / 255 == pytest.approx(0.3081, abs=5e-5)
    images = (real_data("mnist") / FILES[0].name).read_bytes()
    assert gzip.decompress(images)[16:] == train.tobytes()
