"""HOW a model learns: splits, boosting, evaluation; pure fit and predict, no tracking, no storage."""
