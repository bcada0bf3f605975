"""Doubt: nothing where every view agrees, a bit where they contradict each other."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.inference.cards_for_tests import A_CARD
from viewer.domain.geometry import Grid
from viewer.errors import Unsupported
from viewer.inference.doubt import check_doubt, doubt_of, entropy_bits
from viewer.inference.handover import Scan
from viewer.inference.pipeline import find
from viewer.testing.builders import a_volume


def entropy(chances: list[float], base: int) -> float:
    from scipy import stats

    return float(stats.entropy(chances, base=base))


class Sure:
    """Sees the finding wherever the value is high, whatever the view."""

    device = "test"

    def predict(self, batch: np.ndarray) -> np.ndarray:
        return np.asarray((batch[:, :1] - 0.5) * 200, dtype=np.float32)


class OneSided(Sure):
    """Sees only the half with the lower i of what it is shown: each mirror gives another answer."""

    def predict(self, batch: np.ndarray) -> np.ndarray:
        logits = super().predict(batch)
        logits[..., logits.shape[-1] // 2 :] = -100
        return logits


def a_scan() -> Scan:
    volume = a_volume((16, 16, 16), spacing_ijk_mm=A_CARD.spacing_ijk_mm, value_hu=-1000).build()
    stored = np.array(volume.stored)
    stored[5:11, 5:11, 4:12] = 600
    return Scan(stored, Grid(volume.grid.shape_kji, volume.grid.ijk_to_lps), volume.quantity, "CT")


@settings(max_examples=30)
@given(st.floats(1e-4, 1 - 1e-4))
def test_entropy_is_that_of_scipy(chance: float) -> None:
    found = entropy_bits(np.array([chance], dtype=np.float32))[0]
    assert found == pytest.approx(entropy([chance, 1 - chance], base=2), abs=1e-4)


def test_views_that_agree_leave_no_doubt() -> None:
    scan = a_scan()
    labels = find(scan, A_CARD, Sure(), lambda *_s: None).labels
    doubt = doubt_of(scan, labels, A_CARD, Sure(), lambda *_s: None)
    assert doubt.levels.max() == 0
    own = float((labels == 1).sum()) * scan.grid.voxel_volume_mm3
    assert own > 0
    np.testing.assert_allclose(doubt.volumes_mm3[0], own)
    np.testing.assert_allclose(np.pi / 6 * doubt.diameters_mm[0] ** 3, own)


def test_views_that_differ_are_doubt_and_an_interval() -> None:
    scan = a_scan()
    labels = find(scan, A_CARD, OneSided(), lambda *_s: None).labels
    told: list[float] = []
    doubt = doubt_of(scan, labels, A_CARD, OneSided(), lambda share, _text: told.append(share))
    # One of four views sees the other half: a quarter against three, everywhere in the lesion.
    expected = entropy([0.25, 0.75], base=2)
    inside = doubt.levels[7, 7, 5:11] / 255
    np.testing.assert_allclose(inside, expected, atol=0.01)
    assert doubt.levels[0, 0, 0] == 0
    assert doubt.volumes_mm3[0].max() > 0
    assert told == sorted(told)
    assert told[-1] < 1


def test_what_cannot_be_doubted_is_refused() -> None:
    with pytest.raises(Unsupported, match="doubt"):
        check_doubt(replace(A_CARD, reads="image"))
