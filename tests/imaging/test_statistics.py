"""Statistics of regions against another library."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.imaging.statistics import mask_statistics
from viewer.testing.builders import a_volume


@given(st.lists(st.integers(-1000, 3000), min_size=3, max_size=60))
def test_median_skewness_and_kurtosis_are_those_of_scipy(values: list[int]) -> None:
    from scipy import stats

    shape = (1, 1, len(values))
    volume = a_volume(shape).with_values(np.reshape(values, shape)).build()
    found = mask_statistics(volume, np.ones(shape, bool))
    assert found.median == np.median(values)
    if np.ptp(values) == 0:
        assert found.skewness is None
        assert found.excess_kurtosis is None
        return
    assert found.skewness == pytest.approx(float(stats.skew(values)), rel=1e-9, abs=1e-9)
    assert found.excess_kurtosis == pytest.approx(float(stats.kurtosis(values)), rel=1e-9, abs=1e-9)
