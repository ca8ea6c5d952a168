"""Every contract is found by the name of its table."""

import subprocess
import sys
from importlib import import_module
from pkgutil import iter_modules

import pytest

from lakehouse_assets import contracts
from lakehouse_assets.contracts.bronze import BRONZE_OPTION_TICKS
from lakehouse_assets.contracts.catalog import CONTRACTS, Catalog
from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.layers import FLOW


def test_a_contract_is_found_by_its_table() -> None:
    assert CONTRACTS["bronze_option_ticks"] is BRONZE_OPTION_TICKS
    assert all(contract.table == table for table, contract in CONTRACTS.items())


def test_no_contract_of_any_module_is_left_out() -> None:
    modules = [import_module(f"{contracts.__name__}.{module.name}") for module in iter_modules(contracts.__path__)]
    declared = {value.table for module in modules for value in vars(module).values() if isinstance(value, Contract)}
    assert set(CONTRACTS) == declared
    assert len(CONTRACTS) == len(declared) >= 3
    assert list(CONTRACTS) == sorted(declared)


def test_a_contract_stands_in_a_known_layer_and_bears_its_name() -> None:
    for table, contract in CONTRACTS.items():
        assert contract.layer in FLOW
        assert table.startswith(contract.layer.removesuffix("s")) or contract.layer not in ("bronze", "silver", "gold")


def test_an_unknown_table_is_refused_with_those_that_are_declared() -> None:
    with pytest.raises(KeyError, match=r"gold_nothing.*bronze_option_ticks"):
        CONTRACTS["gold_nothing"]
    assert "gold_nothing" not in CONTRACTS


def test_two_contracts_of_one_table_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    module = import_module("lakehouse_assets.contracts.raw")
    twin = Contract("bronze_option_ticks", "bronze", "Twin.", "a row", BRONZE_OPTION_TICKS.columns, ("source",))
    monkeypatch.setattr(module, "TWIN", twin, raising=False)
    with pytest.raises(ValueError, match="two contracts declare table bronze_option_ticks"):
        len(Catalog())


def test_the_catalog_loads_no_contract_before_it_is_asked() -> None:
    code = (
        "import sys, lakehouse_assets.contracts.catalog; sys.exit('lakehouse_assets.contracts.bronze' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
