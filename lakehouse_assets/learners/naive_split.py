"""What a model would score on a random split: the flattering number that stands beside the honest one.

Belongs here: that one comparison. Does not: any model that is kept. Rows of one instant share their future, so a row
drawn for the test has its answer among the rows learnt from; the gap to the walk-forward scores is what that is worth.
"""

from pathlib import Path

from lakehouse_assets.learners.evaluation import Predictions
from lakehouse_assets.learners.fold_rows import drawn
from lakehouse_assets.learners.learner import Recipe
from lakehouse_assets.learners.spool import Batches, Columns, outline


def naive_predictions(
    batches: Batches, columns: Columns, recipe: Recipe, *, test_share: float, cache: Path | None = None
) -> Predictions:
    """The same recipe trained and judged on rows drawn at random; nothing of it but this is kept.

    Args:
        batches: starts a pass over all labelled rows.
        columns: which column is what.
        recipe: what is fitted; its seed is that of the draw.
        test_share: share of the rows to be judged on, between 0 and 1.
        cache: an empty folder, needed where the recipe keeps rows on disk.

    Raises:
        ValueError: the rows drawn are too few to judge on, or contradict themselves.
        OverBudget: the fit took longer than the recipe allows.
    """
    judged, others = drawn(batches, test_share, recipe.seed)
    model = recipe.fit(others, columns.features, columns.label, cache=cache).model
    kept = outline(judged, columns)
    majority = float(outline(others, columns).label.mean())
    return Predictions(kept.label, model.predict(judged()), kept.t0, kept.last_direction, majority)
