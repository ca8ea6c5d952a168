"""The console script as a process: help, completion, exit codes, and errors nobody foresaw."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import duckdb
import pytest
import typer
from typer.testing import CliRunner

from lakehouse_assets.cli.app import VERBS as OFFERED
from lakehouse_assets.cli.app import app
from lakehouse_assets.cli.boundary import SAYS_IT_ALL, explain, run
from lakehouse_assets.lake.catalog import TableMissing
from lakehouse_assets.learners.learner import OverBudget
from lakehouse_assets.learners.telltales import TellsTheLabel
from lakehouse_assets.services.training_rows import KnownTooLate
from lakehouse_assets.settings import SettingsError
from lakehouse_assets_tests.cli.conftest import Script, Toy
from lakehouse_assets_tests.cli.toy_lake import at_home

SCRIPT = Path(sys.executable).with_name("lakehouse")
VERBS = (
    "demo", "simulate", "tables", "sql", "history", "quarantine", "leaderboard", "reproduce", "rollback",
    "doctor", "copy",
)  # fmt: skip
HEAVY = (
    "dagster", "pyiceberg", "duckdb", "pyarrow", "numpy", "sqlglot", "mlflow", "pandas", "xgboost", "lightgbm",
    "sklearn", "scipy", "optuna", "torch", "tensorflow", "keras", "matplotlib",
)  # fmt: skip


def script(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    if not SCRIPT.exists():
        pytest.skip("the package is not installed as a script in this environment")
    return subprocess.run(
        [str(SCRIPT), *arguments], capture_output=True, text=True, env={**os.environ, **environment}, timeout=120
    )


@pytest.mark.slow
def test_the_installed_script_answers_a_query(toy: Toy) -> None:
    done = script("sql", "SELECT COUNT(*) AS n FROM bronze_option_ticks", "--json")
    assert (done.returncode, json.loads(done.stdout), done.stderr) == (0, [{"n": 5}], "")


@pytest.mark.slow
def test_the_installed_script_fails_with_one_line(toy: Toy) -> None:
    done = script("history", "bronze_option_tickz")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    wrong = script("tables", LAKEHOUSE_ENGINE__THREADS="many")
    assert wrong.returncode == 1
    assert wrong.stderr.startswith("error: settings (")
    assert "engine.threads" in wrong.stderr
    assert wrong.stderr.count("\n") == 1


@pytest.mark.slow
def test_a_reader_that_has_seen_enough_ends_the_script_quietly(toy: Toy) -> None:
    query = "SELECT a.symbol FROM " + ", ".join(f"bronze_option_ticks AS {name}" for name in "abcdefg")
    done = subprocess.run(
        f"{SCRIPT} sql '{query}' --csv | head -1", shell=True, capture_output=True, text=True, timeout=120
    )
    assert (done.stdout, done.stderr) == ("symbol\n", "")


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from lakehouse_assets.cli import main; code = main(['--help']); "
        f"print([name for name in {HEAVY!r} if name in sys.modules]); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("[]")
    assert all(verb in done.stdout for verb in VERBS)


def test_no_verb_is_left_out_of_these_tests() -> None:
    assert set(VERBS) == {verb.__name__ for verb in OFFERED}


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_shows_an_example(verb: str) -> None:
    shown = CliRunner().invoke(app, [verb, "--help"])
    assert shown.exit_code == 0
    assert f"Example: lakehouse {verb}" in shown.output


@pytest.mark.parametrize(
    ("typed", "position", "expected"),
    [
        ("lakehouse his", "1", "history"),
        ("lakehouse history bronze_o", "2", "bronze_option_ticks"),
        ("lakehouse quarantine --reason CRO", "3", "CROSSED"),
        ("lakehouse simulate --source sim", "3", "simulated"),
    ],
)
def test_the_shell_completes_verbs_tables_and_reasons(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, typed: str, position: str, expected: str
) -> None:
    at_home(monkeypatch, tmp_path)
    asked = {"_LAKEHOUSE_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": position}
    shown = CliRunner().invoke(app, env=asked, prog_name="lakehouse")
    assert shown.output.split() == [expected]


@pytest.mark.parametrize("arguments", [("nope",), ("sql",), ("tables", "--nope"), ("history", "x", "y")])
def test_wrong_usage_is_one_line_that_names_the_help(lakehouse: Script, arguments: tuple[str, ...]) -> None:
    said = lakehouse(*arguments)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("error: ")
    assert said.err.endswith("--help`\n")
    assert said.err.count("\n") == 1


def _failing(error: BaseException) -> typer.Typer:
    failing = typer.Typer()

    @failing.command()
    def fail() -> None:
        raise error

    return failing


def test_an_unforeseen_error_is_one_line_and_its_traceback_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at_home(monkeypatch, tmp_path)
    assert run(_failing(ZeroDivisionError("two\nlines")), []) == 1
    err = capsys.readouterr().err
    log = next((tmp_path / "logs").iterdir())
    assert err == f"error: ZeroDivisionError: two lines (unexpected; the traceback is in {log})\n"
    assert "in fail" in log.read_text()


def test_a_log_folder_that_cannot_be_made_does_not_hide_the_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "logs").write_text("a file in the way")
    at_home(monkeypatch, tmp_path)
    assert run(_failing(ZeroDivisionError("x")), []) == 1
    err = capsys.readouterr().err
    log = Path(err.rsplit(" ", 1)[1].rstrip(")\n"))
    assert "ZeroDivisionError" in log.read_text()
    log.unlink()


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (KeyboardInterrupt(), 130, "error: stopped before the end\n"),
        (SettingsError("model.rounds: too few"), 1, "error: model.rounds: too few\n"),
        (TableMissing("x has no data yet"), 1, "error: x has no data yet\n"),
        (TellsTheLabel("gamma: is the label"), 1, "error: gamma: is the label\n"),
        (KnownTooLate("5 of 9 rows were late"), 1, "error: 5 of 9 rows were late\n"),
        (OverBudget("x: too slow"), 1, "error: x: too slow\n"),
        (duckdb.BinderException("Binder Error: no such x\n\nLINE 1: x\n"), 1, "error: Binder Error: no such x\n"),
    ],
)
def test_an_error_for_people_is_said_as_it_is(
    capsys: pytest.CaptureFixture[str], error: BaseException, code: int, line: str
) -> None:
    assert run(_failing(error), []) == code
    assert capsys.readouterr().err == line


def test_every_error_that_is_said_as_it_is_exists() -> None:
    for module, names in SAYS_IT_ALL.items():
        for name in names:
            assert issubclass(getattr(import_module(module), name), Exception)


def _engine_without_memory() -> Exception:
    with duckdb.connect(config={"memory_limit": "4MB", "threads": 1, "temp_directory": ""}) as connection:
        try:
            connection.execute(
                "SELECT COUNT(DISTINCT i::VARCHAR || repeat('x', 99)) FROM range(1000000) t(i)"
            ).fetchall()
        except duckdb.Error as error:
            return error
    raise AssertionError("the engine found the memory")


@pytest.mark.parametrize("make", [_engine_without_memory])
def test_a_lack_of_memory_names_the_setting(make: Callable[[], Exception]) -> None:
    words = explain(make())
    assert "LAKEHOUSE_ENGINE__MEMORY_LIMIT" in words
    assert "\n" not in words
