"""The faults that a person can read.

::

    ViewerError            what happened, where, and what to do about it
    +-- InputRefused       a file or argument cannot be used; nothing was written      (exit 3)
    |   +-- Damaged        it is the right kind of thing, but broken
    |   +-- Unsupported    it is sound, but this program cannot read or do it
    +-- OutOfResources     memory, disk or time would not suffice
    +-- BackendLost        a worker process or a server went away
    +-- Conflict           the state has changed, or a file exists already

``what`` is one sentence without the patient's identity, ``where`` names the file or the object,
``remedy`` is an imperative. All three are plain text.
"""

DISCLAIMER = "Research and education. Not a medical device. Not for primary diagnosis."


class ViewerError(Exception):
    """A fault that is told to the person at the screen: what, where, what to do."""

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.remedy = remedy

    def sentence(self) -> str:
        """Everything in one line: "where: what remedy"."""
        head = f"{self.where}: " if self.where else ""
        tail = f" {self.remedy}" if self.remedy else ""
        return f"{head}{self.what}{tail}"

    def __str__(self) -> str:
        """Return the whole sentence, so that logs and tracebacks carry the remedy too."""
        return self.sentence()


class InputRefused(ViewerError):
    """A file or an argument cannot be used; nothing was written."""


class Damaged(InputRefused):
    """The input is of a known kind, but broken."""


class Unsupported(InputRefused):
    """The input is sound, but this program cannot read it."""


class OutOfResources(ViewerError):
    """Memory, disk or time would not suffice."""


class BackendLost(ViewerError):
    """A worker process or a server went away."""


class Conflict(ViewerError):
    """The state has changed meanwhile, or a file is already there."""
