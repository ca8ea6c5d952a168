"""Functions in Python that SQL calls by name: known to DuckDB, to the checker, and to what is made of their code."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from duckdb.func import PythonUDFType

from lakehouse_assets.lake.engine import connect
from lakehouse_assets.lake.query import Query
from lakehouse_assets.settings import Settings
from lakehouse_assets.transforms import black, called
from lakehouse_assets.transforms.called import CALLED, code_named, functions_named, on_arrow
from lakehouse_assets.transforms.dialects import written_for
from lakehouse_assets.transforms.lineage import column_lineage
from lakehouse_assets.transforms.portable import violations
from lakehouse_assets_tests.paths import PROJECT
from lakehouse_assets_tests.transforms.market import INPUTS

OPTIONS = """
    SELECT CASE WHEN i % 11 = 0 THEN NULL ELSE 4e0 + i % 13 END AS value, 100e0 + i % 7 AS forward,
        CASE WHEN i % 17 = 0 THEN NULL ELSE 95e0 + i % 19 END AS strike, 1e-2 * (1 + i % 50) AS years,
        i % 2 = 0 AS is_call
    FROM range({rows}) AS t(i)
"""
SOLVE = "black_volatility(price, bid, price, bid, is_trade)"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with connect(Settings(home=tmp_path)) as connection:
        yield connection


def test_sql_gives_what_the_function_gives(engine: duckdb.DuckDBPyConnection) -> None:
    found = engine.sql(f"""
        SELECT *, black_volatility(value, forward, strike, years, is_call) AS volatility,
            black_refusal(value, forward, strike, years, is_call) AS reason
        FROM ({OPTIONS.format(rows=20_000)})
    """).to_arrow_table()
    given = [found[name].to_numpy() for name in ("value", "forward", "strike", "years", "is_call")]
    there = ~np.isnan(given[0]) & ~np.isnan(given[2])
    expected = black.implied_volatility(*given)
    volatility = found["volatility"]
    assert not np.isnan(volatility.drop_null().to_numpy()).any()
    np.testing.assert_array_equal(volatility.to_numpy(), expected)
    assert found["reason"].to_pylist() == black.refusal(*given).tolist()
    missing = [row["volatility"] is None for row in found.to_pylist()]
    assert missing == [
        row["reason"] is not None or not known for row, known in zip(found.to_pylist(), there, strict=True)
    ]


@pytest.mark.parametrize("name", CALLED)
def test_a_null_in_any_argument_gives_null(engine: duckdb.DuckDBPyConnection, name: str) -> None:
    given = ["TRUE" if kind == "BOOLEAN" else "1e2" for kind in CALLED[name].arguments]
    for place in range(len(given)):
        arguments = ", ".join("NULL" if place == here else text for here, text in enumerate(given))
        assert engine.sql(f"SELECT {name}({arguments})").fetchall() == [(None,)]
    assert engine.sql(f"SELECT {name}({', '.join(given)}) FROM range(0)").fetchall() == []


def test_spark_may_call_the_same_over_arrow() -> None:
    arrays = [pa.array([5.0, None]), *(pa.array([x, x]) for x in (100.0, 100.0, 0.25)), pa.array([True, None])]
    answer = on_arrow(CALLED["black_volatility"])(*arrays)
    assert answer.type == pa.float64()
    assert answer.to_pylist() == [pytest.approx(0.2508, abs=1e-4), None]


@pytest.mark.slow
def test_threads_change_no_answer_and_memory_stays_flat(tmp_path: Path) -> None:
    """Five times as many rows take no more memory: the functions see a few thousand at a time."""
    program = """if True:
        import resource, sys
        from pathlib import Path
        from lakehouse_assets.lake.engine import connect
        from lakehouse_assets.settings import EngineSettings, Settings
        settings = Settings(home=Path(sys.argv[1]), engine=EngineSettings(threads=int(sys.argv[2])))
        with connect(settings) as connection:
            text = "SELECT SUM(CAST(ROUND(black_volatility(value, forward, strike, years, is_call) * 1e9) AS BIGINT))"
            print(connection.execute(f"{text} FROM ({sys.argv[3]})").fetchone()[0])
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
    """

    def run(threads: int, rows: int) -> tuple[str, int]:
        arguments = [sys.executable, "-c", program, str(tmp_path), str(threads), OPTIONS.format(rows=rows)]
        done = subprocess.run(arguments, cwd=PROJECT, capture_output=True, text=True, timeout=100)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        total, peak = done.stdout.split()
        return total, int(peak)

    few, many = run(2, 50_000), run(2, 250_000)
    assert run(1, 50_000)[0] == few[0]
    assert many[1] < few[1] + 60


def test_a_function_that_fails_says_so(engine: duckdb.DuckDBPyConnection) -> None:
    broken = replace(CALLED["black_delta"], name="broken", module="black", function="gamma")
    types: list[Any] = list(broken.arguments)
    engine.create_function("broken", on_arrow(broken), types, "DOUBLE", type=PythonUDFType.ARROW)
    with pytest.raises(duckdb.Error, match="positional argument"):
        engine.sql("SELECT broken(1e0, 1e0, 1e0, 1e0, TRUE)").fetchall()


def test_a_call_is_portable_keeps_its_name_and_its_lineage() -> None:
    text = f"SELECT {SOLVE} AS x FROM ticks"
    assert violations("t", text, INPUTS, "") == ()
    assert "BLACK_VOLATILITY(price, bid, price, bid, is_trade)" in written_for("spark", text, "").upper().replace(
        "PRICE", "price").replace("BID", "bid").replace("IS_TRADE", "is_trade")  # fmt: skip
    assert {column for _, column in column_lineage("t", text, INPUTS, "")["x"]} == {"price", "bid", "is_trade"}


@pytest.mark.parametrize(("expression", "reason"), [
    ("black_volatility(price, bid, price, is_trade)", "takes 5 arguments, 4 given"),
    ("black_volatility(price, bid, price, is_trade, bid)", "BOOLEAN where integer or double is expected"),
    ("black_volatility(price, bid, price, bid, size)", "INT where boolean is expected"),
    ("black_vega(price, bid, symbol, bid)", "VARCHAR where integer or double is expected"),
    ("SUM(black_vega(price, bid, price, bid))", "SUM over DOUBLE"),
    ("COALESCE(black_refusal(price, bid, price, bid, is_trade), 0)", "integer and text"),
    ("black_rho(price)", "not in the proven subset"),
])  # fmt: skip
def test_a_wrong_call_is_refused(expression: str, reason: str) -> None:
    found = violations("t", f"SELECT {expression} AS x FROM ticks", INPUTS, "")
    assert any(reason in violation.reason for violation in found), found


def test_numbers_may_stand_for_doubles_and_null_for_anything() -> None:
    assert violations("t", "SELECT black_volatility(price, size, 5, NULL, is_trade) AS x FROM ticks", INPUTS, "") == ()


def test_the_code_of_a_function_is_part_of_what_calls_it(monkeypatch: pytest.MonkeyPatch) -> None:
    calls, calls_not = Query(f"SELECT {SOLVE} AS x FROM ticks", {}), Query("SELECT 1 AS x", {})
    before = calls.fingerprint("all"), calls_not.fingerprint("all")
    monkeypatch.setattr(called, "_digest", lambda module: f"other code of {module}")
    assert calls.fingerprint("all") != before[0]
    assert calls_not.fingerprint("all") == before[1]


def test_the_functions_that_a_text_names_are_known_with_their_code() -> None:
    assert functions_named("SELECT Black_Vega(a, b, c, d), black_vegas FROM black_ticks") == ("black_vega",)
    assert set(code_named("black_vega(1)")) == {"black"}
    assert code_named("SELECT 1") == {}


def test_every_function_is_there_and_takes_its_arguments() -> None:
    for one in CALLED.values():
        code = one.load().__code__
        assert code.co_argcount == len(one.arguments), one.name


def test_knowing_the_functions_loads_neither_numpy_nor_scipy() -> None:
    text = "import sys, lakehouse_assets.transforms.called; print(*{'numpy', 'scipy', 'pyarrow'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", text], cwd=PROJECT, capture_output=True, text=True, timeout=60)
    assert done.stdout == "\n", done.stderr
