"""The house stands as it was drawn: who may use whom, how light it loads, and one name everywhere."""

import ast
import importlib
import json
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from lakehouse_assets.contracts.catalog import CONTRACTS
from lakehouse_assets.definitions import defs
from lakehouse_assets.layers import FLOW
from lakehouse_assets.resources import PRELOADED
from lakehouse_assets.transforms.text import sql_text, tables_of, transform_names
from lakehouse_assets_tests.paths import PROJECT

PACKAGE = PROJECT / "lakehouse_assets"
HEAVY = {
    "torch", "tensorflow", "mlflow", "sklearn", "xgboost", "lightgbm", "pyspark", "pandas", "sqlglot", "numpy",
    "pyarrow", "duckdb", "matplotlib", "scipy", "exchange_calendars", "databento_dbn", "optuna", "keras", "trino",
    "skops",
}  # fmt: skip
COLUMNAR = {"numpy", "pyarrow", "duckdb", "pandas"}
"""Of these, what a module of rows may load, pandas because pyarrow asks for it; the definitions load no such module."""
FORBIDDEN_NAMES = {"utils", "helpers", "common", "misc", "base", "manager", "v2", "new", "final"}
LARGEST_FILE, LONGEST_FUNCTION = 250, 40
BINARY = {".zip", ".png", ".parquet", ".gz", ".zst", ".ico", ".woff2"}
NOT_OURS = "lakehouse_assets/sources/samples/"


def modules() -> Iterator[tuple[str, str]]:
    """The package's modules: path below the project, and text."""
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PROJECT).as_posix(), path.read_text(encoding="utf-8")


def tracked() -> Iterator[tuple[str, str]]:
    """The text files under version control, but for samples of others."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        path = PROJECT / name
        if path.suffix not in BINARY and not name.startswith(NOT_OURS) and path.is_file():
            yield name, path.read_text(encoding="utf-8", errors="replace")


def loaded(statement: str) -> dict[str, list[str]]:
    """The top-level modules and the threads of a fresh process after a statement."""
    report = (
        "import json, sys, threading; print(json.dumps({"
        "'modules': sorted({name.partition('.')[0] for name in sys.modules}), "
        "'threads': [thread.name for thread in threading.enumerate()]}))"
    )
    run = subprocess.run(
        [sys.executable, "-c", f"{statement}\n{report}"], cwd=PROJECT, capture_output=True, text=True, timeout=100
    )
    assert run.returncode == 0, run.stderr
    found: dict[str, list[str]] = json.loads(run.stdout)
    return found


def assets() -> dict[str, dg.AssetsDefinition]:
    """The asset definitions by table."""
    repository = defs.get_repository_def()
    return {key.to_user_string(): found for key, found in repository.assets_defs_by_key.items()}


@pytest.mark.slow
def test_loading_the_definitions_imports_no_engine_and_starts_no_thread() -> None:
    found = loaded("import lakehouse_assets.definitions")
    assert HEAVY & set(found["modules"]) == set()
    assert found["threads"] == ["MainThread"]


@pytest.mark.slow
def test_no_module_imports_a_library_that_learns_draws_or_parses_as_it_loads() -> None:
    """Each loads it in the function that needs it; the plugin that MLflow itself loads is the one exception."""
    names = [
        name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name, _ in modules()
        if name not in MLFLOWS_PLUGIN
    ]  # fmt: skip
    assert {"lakehouse_assets.learners.networks.keras", "lakehouse_assets.services.digit_training"} <= set(names)
    assert {"lakehouse_assets.cli.reproduce", "lakehouse_assets.settings.sections"} <= set(names)
    found = loaded("import importlib\n" + "\n".join(f"importlib.import_module({name!r})" for name in names))
    assert (HEAVY - COLUMNAR) & set(found["modules"]) == set()
    assert found["threads"] == ["MainThread"]


MLFLOWS_PLUGIN = {"lakehouse_assets/services/iceberg_dataset.py"}


@pytest.mark.slow
def test_what_the_fork_server_preloads_is_there_and_starts_no_thread() -> None:
    found = loaded("import importlib\n" + "\n".join(f"importlib.import_module({name!r})" for name in PRELOADED))
    assert found["threads"] == ["MainThread"]


def test_loading_the_definitions_draws_no_warning_of_a_preview_or_beta() -> None:
    """Those that are used knowingly are silenced where they arise; a new one must be looked at."""
    run = subprocess.run(
        [sys.executable, "-W", "always", "-c", "import lakehouse_assets.definitions"],
        cwd=PROJECT, capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert not [line for line in run.stderr.splitlines() if "PreviewWarning" in line or "BetaWarning" in line]


def test_the_private_names_of_dagster_that_we_use_are_there() -> None:
    """They may go with any release: this says which, before a run does."""
    used = set()
    for name, text in modules():
        for node in ast.walk(ast.parse(text)):
            if (
                isinstance(node, ast.ImportFrom)
                and "._" in f".{node.module}"
                and str(node.module).startswith("dagster")
            ):
                used |= {(name, str(node.module), alias.name) for alias in node.names}
    assert {name for name, _, _ in used} <= {
        "lakehouse_assets/lake/verdicts.py", "lakehouse_assets/partitions.py", "lakehouse_assets/services/pipeline.py",
        "lakehouse_assets/services/run_launcher.py",
    }  # fmt: skip
    assert used
    missing = [(where, what) for _, where, what in used if not hasattr(importlib.import_module(where), what)]
    assert not missing


def test_each_table_has_one_name_everywhere() -> None:
    tables = {name for name in assets() if name in CONTRACTS}
    assert tables == set(CONTRACTS)
    assert all(name.startswith("model_") for name in set(assets()) - tables)
    assert set(transform_names()) <= tables
    made_in_python = ("raw", "bronze", "models")
    without_sql = {name for name in tables - set(transform_names()) if CONTRACTS[name].layer not in made_in_python}
    assert not without_sql
    for name, asset in assets().items():
        if len(asset.keys) == 1:
            assert asset.op.name == name
        else:
            assert asset.op.name == "silver_ticks"
    for module in ("raw", "bronze", "gold", "features"):
        text = (PACKAGE / "defs" / f"{module}.py").read_text()
        functions = {
            node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef) and node.decorator_list
        }
        assert functions == {name for name in tables if CONTRACTS[name].layer == module}


def test_the_tables_that_a_text_reads_are_parameters_of_its_asset() -> None:
    read_by: dict[str, set[str]] = {}
    parameters: dict[str, set[str]] = {}
    for name, asset in assets().items():
        if name not in transform_names():
            continue
        upstream = {key.to_user_string() for key in asset.asset_deps[dg.AssetKey(name)]}
        assert tables_of(sql_text(name)) <= upstream, name
        read_by.setdefault(asset.op.name, set()).update(tables_of(sql_text(name)))
        parameters[asset.op.name] = upstream
    assert read_by == parameters  # what an asset asks for, one of its texts reads


def test_a_table_reads_only_from_its_own_layer_or_those_before_it() -> None:
    for name, asset in assets().items():
        layer = asset.specs_by_key[dg.AssetKey(name)].tags["layer"]
        for key in asset.asset_deps[dg.AssetKey(name)]:
            upstream = assets()[key.to_user_string()].specs_by_key[key].tags["layer"]
            assert FLOW.index(upstream) <= FLOW.index(layer), (name, key)


def test_the_checks_of_a_table_are_sentences_about_it() -> None:
    by_asset: dict[str, set[str]] = {}
    for key in defs.resolve_asset_graph().asset_check_keys:
        by_asset.setdefault(key.asset_key.to_user_string(), set()).add(key.name)
    for table in CONTRACTS:
        are, have, honour = ("are", "have_their", "honour_their") if table.endswith("s") else (
            "is", "has_its", "honours_its")  # fmt: skip
        expected = {f"{table}_{honour}_contract"}
        if "trading_date" in CONTRACTS[table].by_name:  # what has no dates is neither late nor of a usual volume
            expected |= {f"{table}_{are}_fresh", f"{table}_{have}_usual_volume"}
        assert expected <= by_asset[table]
    assert "silver_option_ticks_conserve_every_row" in by_asset["silver_option_ticks"]
    assert "bronze_option_ticks_hold_every_landed_row" in by_asset["bronze_option_ticks"]
    assert all(check.startswith(table) for table, checks in by_asset.items() for check in checks)


def test_the_import_contracts_are_kept() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports"))]
    run = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=100)
    assert run.returncode == 0, run.stdout


def test_files_and_functions_stay_short() -> None:
    long = [f"{name}: {lines} lines" for name, text in modules() if (lines := text.count("\n")) > LARGEST_FILE]
    for name, text in modules():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1 - _docstring_lines(node)
                if lines > LONGEST_FUNCTION:
                    long.append(f"{name}:{node.lineno}: {node.name} has {lines} lines")
    assert not long, "\n".join(long)


def _docstring_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return len((ast.get_docstring(node, clean=False) or "").splitlines())


def test_modules_are_named_by_what_they_are_about() -> None:
    named = [name for name, _ in modules() if set(Path(name).stem.split("_")) & FORBIDDEN_NAMES]
    assert named == ["lakehouse_assets/lake/io_manager.py"]  # Dagster's own word


def test_each_module_opens_with_its_charter() -> None:
    silent = []
    for name, text in modules():
        if not name.endswith("__init__.py"):
            said = ast.get_docstring(ast.parse(text)) or ""
            # a layer's assets are their own charter: one line a table
            if not said or ("elongs here" not in said and not name.startswith("lakehouse_assets/defs/")
                            and name not in CHARTERED_OTHERWISE):  # fmt: skip
                silent.append(name)
    assert not silent, "\n".join(silent)


CHARTERED_OTHERWISE = {"lakehouse_assets/contracts/raw.py", "lakehouse_assets/contracts/silver.py"}


def test_nothing_is_left_for_later_and_no_place_of_one_machine_is_named() -> None:
    registries = ("pypi" + ".org", "files.python" + "hosted.org", "/simple" + "/")
    later = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|raise NotImplemented" + r"Error)\b")
    machine = re.compile(r"(?<![\w.])/(wor" + r"k|roo" + r"t)/")
    found = []
    for name, text in tracked():
        for number, line in enumerate(text.splitlines(), start=1):
            if later.search(line) or machine.search(line) or any(host in line for host in registries):
                found.append(f"{name}:{number}: {line.strip()[:80]}")
    assert not found, "\n".join(found)


@pytest.mark.slow
def test_what_was_proven_of_the_transforms_still_holds() -> None:
    from lakehouse_assets.transforms.proofs import PROOFS_FILE, proofs_text

    assert PROOFS_FILE.read_text(encoding="utf-8") == proofs_text(), "run `make docs`"


@pytest.mark.slow
def test_the_workspace_loads_as_dagster_dev_loads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dagster._core.workspace.load import load_workspace_process_context_from_yaml_paths

    with (
        warnings.catch_warnings(),
        dg.DagsterInstance.local_temp(str(tmp_path)) as instance,
    ):
        warnings.simplefilter("ignore")
        monkeypatch.chdir(PROJECT)
        with load_workspace_process_context_from_yaml_paths(instance, [str(PROJECT / "workspace.yaml")]) as process:
            request = process.create_request_context()
            assert request.code_location_errors() == []
            (location,) = request.code_locations
            assert location.name == "lakehouse_assets"
            (repository,) = location.get_repositories().values()
            assert repository.has_job("ml_pipeline_end_to_end")


def test_the_instance_keeps_everything_below_the_state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lakehouse_assets.services.instance import embedded_instance
    from lakehouse_assets.settings import load_settings

    elsewhere = tmp_path / "elsewhere"
    monkeypatch.setenv("DAGSTER_HOME", str(elsewhere))
    with embedded_instance(load_settings()) as instance:
        assert instance.telemetry_enabled is False
        folder = Path(load_settings().home) / "dagster"
        assert instance.root_directory == str(folder)
        assert list(folder.rglob("*.db"))
    assert not elsewhere.exists()
