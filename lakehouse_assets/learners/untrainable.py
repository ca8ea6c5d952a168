"""The one word for what another try would not change: these rows, this recipe, no model.

Belongs here: the error that all such refusals are. Does not: any of the reasons (whoever finds one says it).
"""


class Untrainable(ValueError):
    """No model can come of these rows, columns and settings; the message says why and what to do.

    The same would be met again by the same step, so whoever runs it does not try again.
    """
