"""What goes wrong with the native stack, said for people.

Belongs here: the one error. Does not: when it is raised.
"""


class StackError(Exception):
    """The stack cannot be fetched, started or stopped; the message says what, where and what to do."""
