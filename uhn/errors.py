"""The one error that users are meant to see."""


class UserError(ValueError):
    """A mistake the user can mend: one line that says what was expected, what came and what to change.

    Users of the library may catch it as a ValueError. The command line prints the message without a traceback and
    exits with code 2.
    """
