"""Every leak that is planted: why it flatters a model, what catches it, and the test that proves that.

Belongs here: the catalogue, which `docs/leaks.md` tells and `test_catalogue.py` holds true. Does not: the leaks.
"""

from dataclasses import dataclass

POINT_IN_TIME = "test_no_feature_known_at_t_depends_on_what_arrives_after_t"
BLIND = "test_no_learner_looks_at_the_rows_that_it_is_judged_on"
CONTRACT = "feature_option_minutes_honour_their_contract"
TELLTALES = "learners.telltales.TellsTheLabel"
KNOWN_TOO_LATE = "services.training_rows.KnownTooLate"
SPLIT = "learners.training.split_of"
APART = "test_no_training_label_touches_a_test_interval_and_the_embargo_holds"


@dataclass(frozen=True)
class Leak:
    """One leak.

    `caught_by` names checks of tables, tests, and functions or errors of the package (`learners.spool.spool`); `proof`
    is the test that plants the leak.
    """

    name: str
    flatters: str
    caught_by: tuple[str, ...]
    proof: str

    def line(self) -> str:
        """The line of the page's table."""
        return f"| {self.name} | {self.flatters} | {', '.join(f'`{name}`' for name in self.caught_by)} |"


LEAKS = (
    Leak(
        "centred window", "a mean around t holds the minutes after it, which the label is made of",
        (POINT_IN_TIME,), "test_a_centred_window_is_caught",
    ),
    Leak(
        "forward fill across a gap", "yesterday's close passes for the price a minute ago, and its return for a move",
        ("test_what_lies_before_a_pause_is_not_carried_over_it",), "test_a_forward_fill_across_a_gap_is_caught",
    ),
    Leak(
        "label among the features", "the answer is read off",
        ("services.training_rows.columns_of",), "test_a_label_among_the_features_is_caught",
    ),
    Leak(
        "label under another name or turned round", "the same, and no name tells",
        (TELLTALES,), "test_a_label_under_another_name_is_caught",
    ),
    Leak(
        "the return that the label is the sign of", "the same, as a number that looks like a feature",
        (TELLTALES,), "test_the_return_that_the_label_is_of_is_caught",
    ),
    Leak(
        "label under noise", "nothing separates the classes wholly, but no honest score is that high",
        ("learners.judgement.is_too_good",), "test_a_label_under_noise_is_caught",
    ),
    Leak(
        "a bar's start used as the time when it was known", "the minute's close is used a minute early",
        (CONTRACT, POINT_IN_TIME), "test_a_bars_start_used_as_known_is_caught",
    ),
    Leak(
        "as-of join on event time instead of arrival", "a late print is used before anybody had it",
        (POINT_IN_TIME,), "test_an_as_of_join_on_event_time_is_caught",
    ),
    Leak(
        "open interest of the day's end, intraday", "tells in the morning where positions were opened until the close",
        (POINT_IN_TIME, "test_features_read_only_tables_that_say_from_when_a_row_is_known"),
        "test_the_open_interest_of_the_days_end_is_caught",
    ),
    Leak(
        "contracts chosen by what they traded all day", "those that will be active are those that will move",
        (POINT_IN_TIME,), "test_contracts_chosen_by_what_they_traded_all_day_are_caught",
    ),
    Leak(
        "rows removed by what happens later", "the hard cases are gone before they are judged",
        (POINT_IN_TIME,), "test_a_row_that_the_future_removes_is_caught",
    ),
    Leak(
        "scaler fitted on all rows", "mean and spread of the test days are known while learning",
        (BLIND,), "test_a_scaler_fitted_on_all_rows_is_caught",
    ),
    Leak(
        "a recipe that scales by the rows it is judged on", "the same, inside a fit",
        (BLIND,), "test_a_recipe_whose_scaler_is_fitted_on_the_test_rows_is_caught",
    ),
    Leak(
        "target encoding on all rows", "each contract's share of rises includes those to be predicted",
        (BLIND,), "test_a_target_encoding_on_all_rows_is_caught",
    ),
    Leak(
        "early stopping on the test rows", "the best of many models for these very rows is kept",
        (BLIND,), "test_a_fit_that_stops_by_the_test_rows_is_caught",
    ),
    Leak(
        "tuning on the test days", "the recipe that was lucky on them is chosen, and its luck reported",
        ("test_no_search_looks_at_the_last_span",), "test_tuning_on_the_test_days_is_caught",
    ),
    Leak(
        "rows in a shuffled order", "whoever splits by position learns from minutes on both sides of each test row",
        ("learners.spool.spool",), "test_rows_in_a_shuffled_order_are_caught",
    ),
    Leak(
        "times shuffled among the rows", "the split is right for the times and wrong for the rows",
        (KNOWN_TOO_LATE,), "test_times_that_were_shuffled_among_the_rows_are_caught",
    ),
    Leak(
        "features revised after their labels were made", "what is joined is what was known later",
        (KNOWN_TOO_LATE,), "test_features_revised_after_their_labels_were_made_are_caught",
    ),
    Leak(
        "rows delivered twice", "counts twice in every score, and makes intervals too narrow",
        (CONTRACT,), "test_rows_delivered_twice_are_caught",
    ),
    Leak(
        "duplicate rows across the split", "the model has seen the row, with its answer",
        (APART,), "test_duplicate_rows_across_the_split_are_caught",
    ),
    Leak(
        "contracts of one underlying at one instant on both sides", "they share the move that makes their labels",
        (SPLIT, "test_the_test_spans_are_disjoint_and_no_instant_is_on_both_sides"),
        "test_contracts_of_one_instant_on_both_sides_are_caught",
    ),
    Leak(
        "labels that reach into the test span", "the last minutes learnt from end on prices of the test",
        (SPLIT, APART), "test_labels_that_reach_into_the_test_span_are_caught",
    ),
)  # fmt: skip
