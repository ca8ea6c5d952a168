"""HOW a model learns: splits, trees, evaluation; pure fit and predict, no tracking, no storage."""
