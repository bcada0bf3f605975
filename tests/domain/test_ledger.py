"""The account of all files balances, or it raises."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.domain.ledger import Fate, LoadLedger, Outcome
from viewer.errors import ViewerError

OUTCOMES = st.sampled_from(list(Outcome))


def _fate(n: int, outcome: Outcome = Outcome.SHOWN) -> Fate:
    return Fate(f"{n}.dcm", outcome, reason="broken" if outcome is Outcome.REFUSED else "")


@given(st.lists(OUTCOMES))
def test_files_are_shown_grouped_or_refused_and_nothing_else(outcomes: list[Outcome]) -> None:
    fates = tuple(_fate(n, outcome) for n, outcome in enumerate(outcomes))
    ledger = LoadLedger(len(fates), fates)
    assert sum(ledger.count(outcome) for outcome in Outcome) == ledger.n_files
    assert len(ledger.refused) == ledger.count(Outcome.REFUSED)
    assert all(fate.reason for fate in ledger.refused)


def test_the_line_says_the_sum() -> None:
    outcomes = [Outcome.SHOWN, Outcome.GROUPED, Outcome.GROUPED, Outcome.REFUSED]
    fates = tuple(_fate(n, outcome) for n, outcome in enumerate(outcomes))
    assert LoadLedger(4, fates).line() == "4 files = 1 shown + 2 grouped + 1 refused"
    assert LoadLedger(1, fates[:1]).line() == "1 file = 1 shown + 0 grouped + 0 refused"
    assert LoadLedger(0, ()).line() == "0 files = 0 shown + 0 grouped + 0 refused"


@pytest.mark.parametrize("n_files", [0, 1, 3])
def test_a_ledger_that_does_not_balance_raises(n_files: int) -> None:
    with pytest.raises(ViewerError, match="does not balance"):
        LoadLedger(n_files, (_fate(1), _fate(2)))


def test_a_file_with_two_fates_raises() -> None:
    with pytest.raises(ViewerError, match="twice"):
        LoadLedger(2, (_fate(1), _fate(1, Outcome.GROUPED)))


def test_a_refusal_without_a_reason_raises() -> None:
    with pytest.raises(ViewerError, match="without a reason"):
        Fate("a.dcm", Outcome.REFUSED)


def test_ledgers_of_several_loads_add_up() -> None:
    merged = LoadLedger.merged([LoadLedger(1, (_fate(1),)), LoadLedger(1, (_fate(2),))])
    assert (merged.n_files, len(merged.fates)) == (2, 2)
    assert LoadLedger.merged([]).n_files == 0
    with pytest.raises(ViewerError, match="twice"):
        LoadLedger.merged([LoadLedger(1, (_fate(1),)), LoadLedger(1, (_fate(1),))])
