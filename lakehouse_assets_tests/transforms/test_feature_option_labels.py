"""Labels: where the mid goes, and only there."""

import pytest

from lakehouse_assets_tests.transforms.stories import Row, assert_honoured, at, bar, features, nullable, run, without

TABLE = "feature_option_labels"


def labels(*option_bars: Row, **changed: object) -> list[Row]:
    return run(TABLE, changed, feature_option_minutes=features(option_bars))


def day(*mids: float) -> list[Row]:
    return [bar(n, mid) for n, mid in enumerate(mids)]


def test_a_label_is_the_direction_to_the_mid_known_at_t1() -> None:
    rows = labels(*day(5.0, 5.1, 5.2, 5.3, 5.4, 6.0, 4.0))
    assert [row["is_up"] for row in rows] == [1, 0, None, None, None, None, None]
    assert (rows[0]["t0"], rows[0]["t1"], rows[0]["mid_t0"], rows[0]["mid_t1"]) == (at(60), at(360), 5.0, 6.0)


def test_the_horizon_comes_from_the_settings() -> None:
    assert [row["is_up"] for row in labels(*day(5.0, 5.1, 4.0), horizon_minutes=1)] == [1, 0, None]


def test_a_mid_that_does_not_move_has_no_label() -> None:
    rows = labels(*day(5.0, 5.1, 5.2, 5.3, 5.4, 5.0))
    assert (rows[0]["mid_t1"], rows[0]["is_up"]) == (5.0, None)


def test_a_mid_that_is_known_only_after_t1_does_not_count() -> None:
    rows = day(5.0, 5.1, 5.1, 5.1, 5.1, 6.0, 6.0)
    rows[5]["available_at"] = at(361)
    found = labels(*rows)
    assert found[0]["mid_t1"] == 5.1


def test_the_night_does_not_reach_into_the_day() -> None:
    night = [bar(n - 190, 5.0 + n / 10) for n in range(7)]
    rows = labels(*night, *day(9.0, 9.1, 9.2, 9.3, 9.4, 9.5))
    assert [row["is_up"] for row in rows] == [1, 1, *[None] * 5, 1, *[None] * 5]
    assert all(row["mid_t1"] is None for row in rows[2:7])


def test_a_short_day_ends_where_it_ends() -> None:
    assert [row["is_up"] for row in labels(*day(5.0, 5.1, 5.2))] == [None] * 3


def test_the_last_direction_is_the_last_move_there_was() -> None:
    rows = labels(*day(5.0, 5.0, 5.1, 5.1, 4.9, 4.9))
    assert [row["last_direction"] for row in rows] == [None, None, 1, 1, -1, -1]


def test_one_row_has_no_label_and_none_is_none() -> None:
    (row,) = labels(bar(0, 5.0))
    assert (row["is_up"], row["mid_t0"], row["last_direction"]) == (None, 5.0, None)
    assert labels() == []


def test_contracts_do_not_mix() -> None:
    other = [{**row, "symbol": "OTHER"} for row in day(9.0, 8.0, 7.0, 6.0, 5.0, 4.0)]
    rows = labels(*day(5.0, 5.1, 5.2, 5.3, 5.4, 6.0), *other)
    assert {(row["symbol"] == "OTHER", row["is_up"]) for row in rows if row["is_up"] is not None} == {
        (True, 0),
        (False, 1),
    }


@pytest.mark.parametrize("column", nullable("feature_option_minutes", "mid_price"))
def test_a_null_in_any_column_breaks_no_promise(column: str) -> None:
    rows = without(features(day(5.0, 5.1, 5.2, 5.3, 5.4, 6.0)), column)
    assert_honoured(TABLE, run(TABLE, feature_option_minutes=rows))
