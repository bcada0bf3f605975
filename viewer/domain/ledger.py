"""The account of every file that was found: nothing is hidden."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from viewer.domain.wording import counted
from viewer.errors import ViewerError


class Outcome(StrEnum):
    """What became of a file."""

    SHOWN = "shown"  # it is a picture of its own (the first file of a volume, a single image)
    GROUPED = "grouped"  # it became part of a volume, stack or layer with other files
    REFUSED = "refused"  # it could not be used; the reason says why


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one file, and why; ``group`` is the volume's key or the series UID."""

    path: str
    outcome: Outcome
    group: str = ""
    reason: str = ""
    hint: str = ""

    def __post_init__(self) -> None:
        """A refusal without a reason would hide the file after all."""
        if self.outcome is Outcome.REFUSED and not self.reason:
            raise ViewerError("A file was refused without a reason.", where=self.path)


@dataclass(frozen=True, slots=True)
class LoadLedger:
    """Fates of all files found; files = shown + grouped + refused, or it raises.

    Raises
    ------
    ViewerError
        The sums do not balance, or one file has two fates.
    """

    n_files: int
    fates: tuple[Fate, ...]

    def __post_init__(self) -> None:
        """Balance the books."""
        if len({fate.path for fate in self.fates}) != len(self.fates):
            raise ViewerError("The ledger names a file twice.")
        if len(self.fates) != self.n_files:
            raise ViewerError(
                f"The ledger does not balance: {self.n_files} files, {len(self.fates)} fates."
            )

    @classmethod
    def merged(cls, ledgers: Iterable["LoadLedger"]) -> "LoadLedger":
        """Return one ledger for several loads."""
        parts = tuple(ledgers)
        fates = tuple(fate for ledger in parts for fate in ledger.fates)
        return cls(sum(ledger.n_files for ledger in parts), fates)

    def count(self, outcome: Outcome) -> int:
        """Return how many files had this outcome."""
        return sum(fate.outcome is outcome for fate in self.fates)

    @property
    def refused(self) -> tuple[Fate, ...]:
        """The refused files, with reason and hint."""
        return tuple(fate for fate in self.fates if fate.outcome is Outcome.REFUSED)

    def line(self) -> str:
        """Return the sum as one line: "447 files = 3 shown + 443 grouped + 1 refused"."""
        return (
            f"{counted(self.n_files, 'file')} = "
            f"{self.count(Outcome.SHOWN)} shown + {self.count(Outcome.GROUPED)} grouped + "
            f"{self.count(Outcome.REFUSED)} refused"
        )
