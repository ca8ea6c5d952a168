"""What the docs say is true: what is generated equals the code, commands run, links lead somewhere."""

import importlib.util
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from lakehouse_assets.contracts.catalog import CONTRACTS
from lakehouse_assets.contracts.silver import REASON_CODES
from lakehouse_assets.settings import PROJECT
from lakehouse_assets_tests import doc_pages
from lakehouse_assets_tests.doc_pages import PAGES, Block, name_of

README = PROJECT / "README.md"
BUILD = PROJECT / "docs" / "build.py"
README_LINES = 150
SHORTEST_REASON = 20
"""Characters: a reason for not running a block is a sentence, not a word."""

GENERATED = (
    "docs/asset_graph.md", "docs/data_dictionary.md", "docs/models.md", "README.md",
    "lakehouse_assets/transforms/proofs.json",
)  # fmt: skip


@cache
def build() -> Any:
    """The module `docs/build.py`, which is in no package: its folder is where a script looks first."""
    sys.path.append(str(BUILD.parent))
    spec = importlib.util.spec_from_file_location("docs_build", BUILD)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def out_of_date() -> frozenset[str]:
    """The generated files that are not what the code says; found once, since proving all SQL takes seconds."""
    return frozenset(name_of(path) for path in build().stale())


@pytest.mark.slow
@pytest.mark.parametrize("name", GENERATED)
def test_what_is_generated_is_what_the_code_says(name: str) -> None:
    assert name not in out_of_date(), f"{name}: run `make docs`"


def test_every_asset_every_input_and_every_check_is_in_the_asset_graph() -> None:
    page = build().asset_graph_page()
    for asset, (layer, _) in build().graph().items():
        assert f"## {asset}\n\nLayer `{layer}`" in page
    assert "| `silver_option_ticks_conserve_every_row` | blocks |" in page
    assert "| `gold_put_call_ratios_are_fresh` | warns |" in page


def test_every_arrow_is_an_input_and_every_input_an_arrow() -> None:
    drawn = [line.strip().split(" --> ") for line in build().mermaid().splitlines() if " --> " in line]
    arrows = [(parent, name) for left, right in drawn for parent in left.split(" & ") for name in right.split(" & ")]
    inputs = [(parent, name) for name, (_, parents) in build().graph().items() for parent in parents]
    assert sorted(arrows) == sorted(inputs)


def test_the_graph_is_drawn_in_flow_order() -> None:
    order = list(build().graph())
    for asset, (_, parents) in build().graph().items():
        assert all(order.index(parent) < order.index(asset) for parent in parents), asset


def test_every_column_and_reason_code_is_in_the_data_dictionary() -> None:
    sections = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", build().data_dictionary_page(), re.M | re.S))
    for table, contract in CONTRACTS.items():
        for column in contract.columns:
            assert re.search(rf"^\| `{column.name}` \| {column.type} \|", sections[table], re.M), (table, column.name)
            assert column.meaning in sections[table]
            assert not column.unit or column.unit in sections[table]
        assert contract.grain in sections[table]
    assert all(f"| `{reason.code}` | {reason.kind} |" in sections["Reason codes"] for reason in REASON_CODES)


def test_a_pipe_in_a_condition_does_not_break_a_table() -> None:
    assert build()._table(("a",), [("x || y",)])[2] == "| x \\|\\| y |"


def test_a_changed_page_is_noticed_and_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    page.write_text("old", encoding="utf-8")
    monkeypatch.setattr(build(), "PROJECT", tmp_path)
    monkeypatch.setattr(build(), "pages", lambda: {page: lambda: "true"})
    assert build().main(["--check"]) == 1
    assert "page.md is not what the code says: run `make docs`" in capsys.readouterr().err
    assert page.read_text(encoding="utf-8") == "old"
    assert build().main([]) == 0
    assert page.read_text(encoding="utf-8") == "true"
    assert build().main(["--check"]) == 0


def test_every_model_is_described_by_its_own_recipe_checks_and_inputs() -> None:
    from lakehouse_assets.learners.algorithms import RECIPES
    from lakehouse_assets.learners.networks.algorithms import NETWORKS

    sections = dict(re.findall(r"^### (model_\w+)\n(.*?)(?=^##|\Z)", build().models_page(), re.M | re.S))
    assert set(sections) == {f"model_{algorithm}" for algorithm in (*RECIPES, *NETWORKS)}
    for asset, text in sections.items():
        assert all(f"`{parent}`" in text for parent in build().graph()[asset][1])
        assert all(f"`{check.name}`" in text for check in build().checks_by_asset()[asset])
        assert f"its latest version `@{asset.removeprefix('model_')}`" in text
    assert "`max_depth` 10," in sections["model_random_forest"]
    assert "`model_xgboost_is_not_too_good` (blocks)" in sections["model_xgboost"]
    assert "`subsample`, `colsample_bytree`, `external_memory`.\n" in sections["model_xgboost"]
    assert "Registered as** `DigitClassifier`" in sections["model_pytorch_mnist_cnn"]


def test_the_defaults_that_the_docs_tell_are_those_of_the_file_of_settings() -> None:
    from lakehouse_assets.settings import load_settings
    from lakehouse_assets.settings.sections import LabelSettings, MnistSettings, ModelSettings

    found = load_settings()
    assert (found.model, found.mnist, found.labels) == (ModelSettings(), MnistSettings(), LabelSettings())


def test_a_page_whose_markers_and_texts_differ_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- a: written by `make docs` -->\nold\n<!-- end of a -->\n", encoding="utf-8")
    assert build().filled(page, {"a": "text"}) == "<!-- a: written by `make docs` -->\ntext\n<!-- end of a -->\n"
    for texts in ({}, {"b": "text"}, {"a": "text", "b": "text"}):
        with pytest.raises(ValueError, match="markers and texts differ"):
            build().filled(page, texts)


def test_the_readme_is_one_page() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= README_LINES


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for target in doc_pages.links(page):
        path, _, anchor = target.partition("#")
        if "://" in target:
            continue
        linked = (page.parent / path).resolve() if path else page
        assert linked.is_relative_to(PROJECT), f"{target} leads out of the project"
        assert linked.exists(), f"{target} is not there"
        assert not anchor or anchor in doc_pages.anchors(linked), f"{linked.name} has no heading #{anchor}"


@pytest.mark.parametrize("folder", ["docs", "docs/decisions"])
def test_every_page_is_linked_from_its_index(folder: str) -> None:
    index = next(PROJECT / folder / name for name in ("index.md", "README.md") if (PROJECT / folder / name).exists())
    linked = {(index.parent / target.partition("#")[0]).resolve() for target in doc_pages.links(index)}
    assert [name_of(page) for page in (PROJECT / folder).glob("*.md") if page != index and page not in linked] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_block_of_commands_is_run_or_says_why_not(page: Path) -> None:
    for block in doc_pages.blocks(page):
        if not block.is_runnable:
            assert block.language, f"a block without language, so that nobody knows whether it runs:\n{block.text}"
            continue
        assert block.commands, f"no command in\n{block.text}"
        if block.info:
            reason = block.why_not_run
            assert reason is not None, f"{block.info!r}: only `{doc_pages.NO_TEST} <reason>` may follow the language"
            assert len(reason) >= SHORTEST_REASON, f"{reason!r} does not say why the block is not run"


def test_only_prompted_lines_of_a_console_block_are_commands() -> None:
    assert Block("console", "", "$ echo a\na\n$ echo b\n").commands == ["echo a", "echo b"]
    assert Block("bash", "", "echo a\n\necho b\n").commands == ["echo a", "echo b"]
    assert Block("console", "no-test: it never ends", "$ yes\n").why_not_run == "it never ends"


def test_every_verb_is_in_the_docs_and_every_verb_in_the_docs_is_there() -> None:
    from typer.main import get_command

    from lakehouse_assets.cli.app import app

    verbs = set(getattr(get_command(app), "commands"))  # noqa: B009 - click's Group, untyped through Typer
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    named = set(re.findall(r"(?:`|\$ |[A-Z]\S*=\S+ )lakehouse ([a-z]+)\b", text))
    assert named == verbs


def test_every_target_of_make_that_the_docs_name_is_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## ", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.M))
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert set(re.findall(r"(?:`|\$ )make ([a-z-]+)", text)) <= targets


def has_setting(path: str) -> bool:
    """Whether a setting or a table of settings has this dotted name, as `model.tuning.trials` has."""
    from lakehouse_assets.settings import Settings

    found: Any = Settings()
    for part in path.split("."):
        if part not in getattr(type(found), "model_fields", {}):
            return False
        found = getattr(found, part)
    return True


NO_SETTINGS = re.compile(r"\w+\.db|mlflow\.(?:lightgbm|pytorch|sklearn|tensorflow|xgboost)")
"""Files and modules whose names begin like a setting's."""


def test_every_setting_in_the_docs_is_there() -> None:
    from lakehouse_assets.settings import CONFIG_VARIABLE, Settings

    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    variables = set(re.findall(r"\bLAKEHOUSE_[A-Z]\w*", text)) - {CONFIG_VARIABLE}
    named = {name.removeprefix("LAKEHOUSE_").lower().replace("__", ".") for name in variables}
    dotted = set(re.findall(rf"`((?:{'|'.join(Settings.model_fields)})\.[a-z_.]+)`", text))
    assert {"model.tuning.trials", "mnist.folder"} <= dotted, "the names in code are not read"
    unknown = [name for name in sorted(named | dotted) if not has_setting(name)]
    assert [name for name in unknown if not NO_SETTINGS.fullmatch(name)] == []
    assert not has_setting("model.tuning.tries")


def test_pre_commit_fetches_nothing() -> None:
    configured = yaml.safe_load((PROJECT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert [repo["repo"] for repo in configured["repos"]] == ["local"]
    assert {hook["id"] for repo in configured["repos"] for hook in repo["hooks"]} == {"ruff", "ruff-format", "mypy"}
    assert all(hook["entry"].startswith(".venv/bin/") for repo in configured["repos"] for hook in repo["hooks"])
