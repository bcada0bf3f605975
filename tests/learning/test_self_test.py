"""The shipped networks on generated chests."""

import importlib.util

import pytest

from viewer.errors import Unsupported
from viewer.inference.supervisor import Supervisor
from viewer.jobs.job import Ticket
from viewer.learning.self_test import self_test
from viewer.phantom.chest import make_chest

NO_TORCH = importlib.util.find_spec("torch") is None


@pytest.mark.skipif(NO_TORCH, reason="torch is not installed")
def test_the_shipped_networks_find_and_score_the_lesions_of_the_built_in_study() -> None:
    report = self_test(Ticket())
    assert report["passed"]
    assert report["device"]
    assert report["seconds"] > 0
    assert report["lesions_found"] == report["lesions_true"] == 4
    assert report["false_positives"] == 0
    assert report["dice"] > 0.8
    for lesion in report["lesions"]:
        assert (lesion["spiculated"] >= 0.5) == (lesion["kind"] == "spiculated")
        low, high = lesion["interval_95"]
        assert 0 <= low <= lesion["spiculated"] <= high <= 1


def test_without_torch_the_self_test_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    supervisor = Supervisor()

    def missing(*_arguments: object) -> None:
        raise Unsupported("Networks cannot run: torch is not installed.")

    monkeypatch.setattr(supervisor, "segment", missing)
    with pytest.raises(Unsupported):
        self_test(Ticket(), supervisor=supervisor, study=make_chest(2, shape_kji=(16, 24, 24)))
