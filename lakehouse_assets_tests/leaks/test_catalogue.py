"""The catalogue of leaks is true: what catches a leak is there, its proof sees it fire, and the page tells the same."""

import ast
import importlib
import re
from functools import cache

import pytest

from lakehouse_assets.definitions import defs
from lakehouse_assets.settings import PROJECT
from lakehouse_assets_tests.leaks.catalogue import LEAKS, Leak

TESTS = PROJECT / "lakehouse_assets_tests"
PAGE = PROJECT / "docs" / "leaks.md"
FEWEST_LEAKS = 12


@cache
def functions_below(folder: str) -> dict[str, ast.FunctionDef]:
    """All tests of a folder by name."""
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in (TESTS / folder).rglob("test_*.py"))
    functions = (node for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef))
    return {function.name: function for function in functions if function.name.startswith("test_")}


@cache
def checks() -> frozenset[str]:
    return frozenset(key.name for key in defs.resolve_asset_graph().asset_check_keys)


def is_there(name: str) -> bool:
    """Whether a test, a check of a table, or something of the package has this name."""
    if name.startswith("test_"):
        return name in functions_below(".")
    if "." not in name:
        return name in checks()
    module, _, attribute = name.rpartition(".")
    return hasattr(importlib.import_module(f"lakehouse_assets.{module}"), attribute)


def is_seen_to_fire(name: str, proof: str) -> bool:
    """Whether a proof asks what a test asks, or names what is no test."""
    if name.startswith("test_"):
        return bool(asked(name) & asked(proof))
    return name.rpartition(".")[2] in re.findall(r"\w+", ast.unparse(functions_below("leaks")[proof]))


def asked(test: str) -> set[str]:
    """The project's own functions that a test calls and whose answer decides it."""
    calls = (node.func for node in ast.walk(functions_below(".")[test]) if isinstance(node, ast.Call))
    names = {function.id for function in calls if isinstance(function, ast.Name)}
    return {name for name in names if name.startswith("assert_")} | names & {"untimed", "touches", "same_instants"}


def test_there_are_a_dozen_leaks_and_more() -> None:
    assert len(LEAKS) >= FEWEST_LEAKS
    assert len({leak.name for leak in LEAKS}) == len(LEAKS)


@pytest.mark.parametrize("leak", LEAKS, ids=lambda leak: leak.name)
def test_what_catches_a_leak_is_there_and_its_proof_sees_it_fire(leak: Leak) -> None:
    assert leak.caught_by
    assert [name for name in leak.caught_by if not is_there(name)] == []
    assert [name for name in leak.caught_by if not is_seen_to_fire(name, leak.proof)] == []


@pytest.mark.parametrize("name", ["test_no_such_thing", "no_such_check", "learners.spool.no_such_function"])
def test_what_is_not_there_would_be_noticed(name: str) -> None:
    assert not is_there(name)


def test_a_proof_of_something_else_would_be_noticed() -> None:
    one, *_, other = LEAKS
    assert not is_seen_to_fire(one.caught_by[0], other.proof)
    assert not is_seen_to_fire(other.caught_by[0], one.proof)


def test_every_planted_leak_is_in_the_catalogue_and_every_proof_is_a_test() -> None:
    planted = {name for name in functions_below("leaks") if name.endswith(("_is_caught", "_are_caught"))}
    assert {leak.proof for leak in LEAKS} == planted


def test_the_page_tells_the_catalogue() -> None:
    told = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    head, *lines = told
    assert head == "| leak | why it flatters | what catches it |"
    assert lines == [leak.line() for leak in LEAKS]
