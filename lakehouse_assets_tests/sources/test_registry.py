"""Adapters by name; and the documented example of a feed outside the package, run as it stands."""

import re
import sys
import tomllib
from pathlib import Path

import pytest

from lakehouse_assets.settings import Settings, SettingsError, SourceSettings
from lakehouse_assets.sources.landing import tick_batches
from lakehouse_assets.sources.registry import ADAPTERS, SHARED_CODE, adapter_code, adapter_named
from lakehouse_assets_tests.paths import PROJECT
from lakehouse_assets_tests.sources.zone import scanned, settings_of

EXAMPLES = PROJECT / "examples"
GUIDE = PROJECT / "docs" / "add_a_feed.md"
SAMPLE = "1740061800817|AAPL  250221C00250000|24|1\n1740061801631|AAPL  250221C00250000|20|2\n"


@pytest.fixture
def tape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings with the five lines of the example, and two tapes landed, one of them cut."""
    monkeypatch.syspath_prepend(EXAMPLES)
    lines = tomllib.loads((EXAMPLES / "my_feeds" / "lakehouse.toml").read_text(encoding="utf-8"))
    chosen = settings_of(tmp_path, tape=SourceSettings.model_validate(lines["sources"]["tape"]))
    folder = chosen.raw / "tape" / "2025"
    folder.mkdir(parents=True)
    (folder / "good.tape").write_text(SAMPLE, encoding="utf-8")
    (folder / "cut.tape").write_text(SAMPLE[:-12], encoding="utf-8")
    return chosen


def test_the_example_needs_five_lines_and_one_small_module(tape: Settings) -> None:
    lines = (EXAMPLES / "my_feeds" / "lakehouse.toml").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 5
    cut, good = scanned(tape).to_pylist()
    assert (good["status"], good["option_rows"], str(good["trading_date"])) == ("accepted", 2, "2025-02-20")
    assert cut["status"] == "rejected"
    assert cut["reason"].startswith("PARSE_ERROR: tape/2025/cut.tape after row 0")
    rows = tick_batches("option", [good], tape.raw, tape, good["trading_date"]).read_all().to_pylist()
    assert [(row["last_price"], row["last_size"], row["currency"]) for row in rows] == [
        (0.24, 1, "USD"),
        (0.2, 2, "USD"),
    ]


def test_the_guide_shows_the_example_as_it_is() -> None:
    shown = dict(re.findall(r"```(python|toml)\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL))
    assert shown["python"] == (EXAMPLES / "my_feeds" / "tape.py").read_text(encoding="utf-8")
    assert shown["toml"] == (EXAMPLES / "my_feeds" / "lakehouse.toml").read_text(encoding="utf-8")


def test_every_feed_of_the_package_has_its_function() -> None:
    for name in ADAPTERS:
        assert callable(adapter_named(name)), name
        assert f"`{name}`" in GUIDE.read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "word"), [
    ("parket", "krx_b6034"), ("no_such_package.feed", "no_such_package"), ("lakehouse_assets.layers", "read"),
    ("..", "..")
])  # fmt: skip
def test_an_adapter_that_is_not_there_is_a_wrong_setting_that_says_what_would_be_right(name: str, word: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(word)):
        adapter_named(name)


def test_code_is_told_apart_by_adapter_and_is_the_same_each_time() -> None:
    codes = {name: adapter_code(name) for name in ADAPTERS}
    assert len(set(codes.values())) == len(ADAPTERS)
    assert codes == {name: adapter_code(name) for name in ADAPTERS}


def test_a_package_counts_with_all_its_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    folder = tmp_path / "feeds_in_parts" / "tape"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("def read(file): ...\n", encoding="utf-8")
    (folder / "layout.py").write_text("A = 1\n", encoding="utf-8")
    before = adapter_code("feeds_in_parts.tape")
    (folder / "layout.py").write_text("A = 2\n", encoding="utf-8")
    assert adapter_code("feeds_in_parts.tape") != before
    sys.modules.pop("feeds_in_parts.tape", None)


def test_all_code_that_an_adapter_of_the_package_uses_counts() -> None:
    sources = PROJECT / "lakehouse_assets" / "sources"
    used = set()
    for path in (*sources.glob("*.py"), *sources.glob("lean/*.py")):
        used |= set(re.findall(r"from lakehouse_assets\.sources\.(\w+) import", path.read_text(encoding="utf-8")))
        used |= set(re.findall(r"from lakehouse_assets\.sources import (\w+)", path.read_text(encoding="utf-8")))
    assert used - set(ADAPTERS) - {"landing", "registry", "simulator", "samples"} <= set(SHARED_CODE)
