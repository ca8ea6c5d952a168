"""`docs/leaks.md` names every planted leak, what catches it, and the test that proves it; all of that is there."""

import ast
import importlib
import re
from functools import cache
from pathlib import Path

import pytest

from lakehouse_assets.definitions import defs
from lakehouse_assets.settings import PROJECT

HERE = Path(__file__).parent
PAGE = PROJECT / "docs" / "leaks.md"
FEWEST_LEAKS = 12


def leaks() -> list[tuple[str, str, list[str], list[str]]]:
    """The table's lines: the leak, where it would come from, what catches it, what proves that."""
    found = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 4 and "`test_" in cells[3]:
            found.append((cells[0], cells[1], named(cells[2]), named(cells[3])))
    return found


def named(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@cache
def tests_below(folder: Path) -> frozenset[str]:
    """The names of all tests of a folder."""
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in folder.rglob("test_*.py"))
    return frozenset(
        node.name
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    )


@cache
def checks() -> frozenset[str]:
    return frozenset(key.name for key in defs.resolve_asset_graph().asset_check_keys)


def is_there(name: str) -> bool:
    """Whether a test, a check of a table, or something of the package has this name."""
    if name.startswith("test_"):
        return name in tests_below(HERE.parent)
    if "." not in name:
        return name in checks()
    module, _, attribute = name.rpartition(".")
    return hasattr(importlib.import_module(f"lakehouse_assets.{module}"), attribute)


def test_there_are_a_dozen_leaks_and_more() -> None:
    assert len(leaks()) >= FEWEST_LEAKS
    assert len({leak for leak, *_ in leaks()}) == len(leaks())
    assert all(source for _, source, *_ in leaks())


@pytest.mark.parametrize("leak", leaks(), ids=lambda leak: str(leak[0]))
def test_what_catches_a_leak_is_there(leak: tuple[str, str, list[str], list[str]]) -> None:
    _, _, catching, _ = leak
    assert catching
    assert [name for name in catching if not is_there(name)] == []


def test_every_planted_leak_is_in_the_table_and_every_proof_is_a_test() -> None:
    planted = {name for name in tests_below(HERE) if name.endswith(("_is_caught", "_are_caught"))}
    assert {proof for *_, proofs in leaks() for proof in proofs} == planted
