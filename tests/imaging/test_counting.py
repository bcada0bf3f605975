import numpy as np
import pytest

from viewer.imaging.counting import volumes_ml, voxel_counts
from viewer.testing.builders import a_segmentation, a_volume


@pytest.mark.parametrize("highest", [1, 3, 256])
def test_every_number_is_counted_the_zeros_too(highest: int) -> None:
    labels = np.random.default_rng(highest).integers(0, highest, (5, 17, 13)).astype(np.uint8)
    counts = voxel_counts(labels)
    assert counts.shape == (256,)
    np.testing.assert_array_equal(counts, [np.count_nonzero(labels == n) for n in range(256)])


def test_a_volume_is_the_count_times_the_size_of_a_voxel() -> None:
    volume = a_volume((4, 8, 8), spacing_ijk_mm=(0.5, 2.0, 3.0)).build()
    mask = np.zeros((4, 8, 8), dtype=bool)
    mask[1:3, 2:6, 1:3] = True
    np.testing.assert_allclose(volumes_ml(a_segmentation(volume, mask)), [16 * 3.0 / 1000])
