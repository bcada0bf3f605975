"""Images made from label maps: what must vary does, and what must not stays."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from viewer.errors import InputRefused
from viewer.learning.lesion_sets import read_nifti
from viewer.learning.synthesis import CLASSES, MEMBERS, Chances, class_map, synthetic

_STILL = Chances(0, 0, 0, 0, bias=0, blur_mm=0.3, slice_mm=1, noise=0, gamma=0)


def _labels() -> NDArray[np.int16]:
    """A ball of white matter in cortex, a ventricle in it, a skull around."""
    k, j, i = np.indices((40, 44, 48))
    radius = np.sqrt((k - 20.0) ** 2 + (j - 22.0) ** 2 + (i - 24.0) ** 2)
    labels = np.zeros(radius.shape, dtype=np.int16)
    for number, limit in ((515, 19), (3, 15), (2, 11), (4, 4)):
        labels[radius <= limit] = number
    labels[(labels == 3) & (i > 24)] = 42
    return labels


def test_every_class_has_a_name_and_no_label_two_classes() -> None:
    assert set(MEMBERS) == set(range(1, len(CLASSES)))
    members = [n for group in MEMBERS.values() for n in group]
    assert len(members) == len(set(members))
    found = class_map(np.array([0, 2, 41, 3, 42, 4, 10, 49, 17, 8, 16, 515]))
    np.testing.assert_array_equal(found, [0, 1, 1, 2, 2, 3, 4, 4, 5, 6, 7, 0])


def test_the_same_seed_gives_the_same_image_and_another_one_another() -> None:
    labels = _labels()
    one, truth = synthetic(labels, 2.0, np.random.default_rng(5))
    again, _ = synthetic(labels, 2.0, np.random.default_rng(5))
    other, _ = synthetic(labels, 2.0, np.random.default_rng(6))
    np.testing.assert_array_equal(one, again)
    assert np.abs(one - other).mean() > 0.02
    assert one.shape == truth.shape == labels.shape
    assert one.dtype == np.float32
    assert one.min() >= 0
    assert one.max() <= 1
    assert np.isfinite(one).all()


def test_without_any_movement_the_classes_lie_where_the_labels_do() -> None:
    labels = _labels()
    _, truth = synthetic(labels, 1.0, np.random.default_rng(1), _STILL)
    np.testing.assert_array_equal(truth, class_map(labels))


def test_left_and_right_share_a_grey_and_other_parts_do_not() -> None:
    labels = _labels()
    apart = []
    for seed in range(8):
        image, _ = synthetic(labels, 1.0, np.random.default_rng(seed), _STILL)
        assert abs(image[labels == 3].mean() - image[labels == 42].mean()) < 0.03
        apart.append(abs(image[labels == 2].mean() - image[labels == 3].mean()))
    assert np.median(apart) > 0.1


def test_white_is_lighter_than_grey_as_often_as_darker() -> None:
    labels = _labels()
    lighter = 0
    for seed in range(24):
        image, _ = synthetic(labels, 1.0, np.random.default_rng(seed), _STILL)
        lighter += int(image[labels == 2].mean() > image[labels == 3].mean())
    assert 5 <= lighter <= 19


def test_the_map_is_bent_by_no_more_than_was_allowed() -> None:
    labels = _labels()
    bent = Chances(0, 0, 0, bend_mm=3.0)
    ball = np.isin(labels, (2, 3, 4, 42))
    from scipy import ndimage

    for seed in range(4):
        _, truth = synthetic(labels, 1.0, np.random.default_rng(seed), bent)
        far = ndimage.distance_transform_edt(~ball)[truth > 0]
        assert far.max() <= np.sqrt(3) * 3.0 + 1


def test_a_patch_has_the_size_that_was_asked_for() -> None:
    image, truth = synthetic(_labels(), 2.0, np.random.default_rng(0), patch=(16, 24, 32))
    assert image.shape == truth.shape == (16, 24, 32)


@pytest.mark.parametrize("labels", [np.zeros((4, 4, 4), int), np.ones((4, 4), int)])
def test_a_map_of_nothing_is_refused(labels: NDArray[np.int64]) -> None:
    with pytest.raises(InputRefused):
        synthetic(labels, 1.0, np.random.default_rng(0))


def test_a_real_head_has_all_classes_after_synthesis(shared_data: Path) -> None:
    labels, _ = read_nifti(shared_data / "training/brain_labels/labels_01.nii.gz")
    thin = labels[::3, ::3, ::3].astype(np.int16)
    image, truth = synthetic(thin, 3.0, np.random.default_rng(2))
    assert set(np.unique(truth)) == set(range(len(CLASSES)))
    inside = image[truth > 0]
    assert inside.std() > 0.03
