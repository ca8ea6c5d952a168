"""`quarantine`: counts a date, source and reason, and the refused rows themselves."""

import json

import pytest

from lakehouse_assets.contracts.silver import SILVER_QUARANTINED_TICKS
from lakehouse_assets_tests.cli.conftest import Script, Toy
from lakehouse_assets_tests.cli.toy_lake import at_home


def test_a_row_with_two_codes_counts_under_both(toy: Toy, lakehouse: Script) -> None:
    said = lakehouse("quarantine", "--json")
    assert said.code == 0, said.err
    assert json.loads(said.out) == [
        {"trading_date": "2026-11-20", "source": "simulated", "reason_code": "CROSSED", "rows": 2},
        {"trading_date": "2026-11-20", "source": "simulated", "reason_code": "NEG_PRICE", "rows": 2},
    ]
    assert "3 rows in quarantine" in lakehouse("quarantine").out


def test_a_date_without_refused_rows_is_empty_and_no_error(toy: Toy, lakehouse: Script) -> None:
    said = lakehouse("quarantine", "--date", "2026-11-19", "--json")
    assert (said.code, json.loads(said.out)) == (0, [])
    assert "0 rows in quarantine" in lakehouse("quarantine", "--date", "2026-11-19").out


def test_show_writes_whole_rows_of_one_reason(toy: Toy, lakehouse: Script) -> None:
    found = json.loads(lakehouse("quarantine", "--show", "--reason", "neg_price", "--json").out)
    assert [(row["source_seq"], row["last_price"]) for row in found] == [(0, -1.0), (1, -2.0)]
    assert set(found[0]) == set(SILVER_QUARANTINED_TICKS.column_names)
    assert found[1]["reason_codes"] == "NEG_PRICE,CROSSED"


def test_a_code_is_matched_whole(toy: Toy, lakehouse: Script) -> None:
    assert "2 rows in quarantine" in lakehouse("quarantine", "--reason", "CROSSED").out
    assert "0 rows in quarantine" in lakehouse("quarantine", "--reason", "NEG_SIZE").out


def test_show_is_cut_to_its_limit_and_says_so(toy: Toy, lakehouse: Script) -> None:
    said = lakehouse("quarantine", "--show", "--limit", "1")
    assert said.code == 0
    assert "1 rows, 2 left out" in said.out
    assert "NEG_PRICE" in said.out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--reason", "CROSED"), 1, "try CROSSED"),
        (("--date", "20.11.2026"), 2, "see `lakehouse quarantine --help`"),
        (("--limit", "0"), 2, "--limit"),
    ],
)
def test_a_wrong_argument_is_one_line(
    toy: Toy, lakehouse: Script, arguments: tuple[str, ...], code: int, words: str
) -> None:
    said = lakehouse("quarantine", *arguments)
    assert (said.code, said.out) == (code, "")
    assert said.err.count("\n") == 1
    assert words in said.err


def test_an_empty_lake_says_what_to_materialize(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory, lakehouse: Script
) -> None:
    at_home(monkeypatch, tmp_path_factory.mktemp("empty"))
    said = lakehouse("quarantine")
    assert said.code == 1
    assert "materialize the asset silver_quarantined_ticks" in said.err
