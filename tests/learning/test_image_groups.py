"""Near-duplicates: found through what copies go through, and kept on one side."""

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from viewer.learning.image_groups import near_duplicates, perceptual_hash, without_straddlers


def scenes(n: int, side: int = 96) -> NDArray[np.float32]:
    """Return pictures of smooth blobs, each another one."""
    random = np.random.default_rng(6)
    coarse = random.random((n, 9, 9)).astype(np.float32)
    return np.stack(
        [cv2.resize(one, (side, side), interpolation=cv2.INTER_CUBIC) for one in coarse]
    )


def jpeg(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    data = np.clip(grey * 255, 0, 255).astype(np.uint8)
    done, packed = cv2.imencode(".jpg", data, [cv2.IMWRITE_JPEG_QUALITY, 60])
    assert done
    return np.asarray(cv2.imdecode(packed, 0), dtype=np.float32) / np.float32(255)


@pytest.mark.parametrize("change", ["bright", "jpeg", "noise", "small", "mirror"])
def test_a_changed_copy_is_found(change: str) -> None:
    greys = scenes(12)
    grey = greys[4]
    copies: dict[str, Any] = {
        "bright": grey * 0.7 + 0.2,
        "jpeg": jpeg(grey),
        "noise": grey + np.random.default_rng(1).normal(0, 0.02, grey.shape),
        "small": cv2.resize(cv2.resize(grey, (60, 60)), (96, 96)),
        "mirror": grey[:, ::-1],
    }
    copy = np.asarray(copies[change], dtype=np.float32)
    groups = near_duplicates(np.concatenate((greys, copy[None])))
    assert groups[12] == 4
    assert len(set(groups.tolist())) == 12


def test_hashes_of_other_pictures_differ_in_about_half() -> None:
    hashes = [perceptual_hash(one) for one in scenes(20)]
    apart = [int((hashes[a] != hashes[b]).sum()) for a in range(20) for b in range(a + 1, 20)]
    assert min(apart) > 60
    assert 110 < np.mean(apart) < 145


def test_no_group_lies_on_both_sides() -> None:
    groups = np.array([0, 0, 2, 3, 0, 5])
    training = np.array([True, True, True, True, False, False])
    assert without_straddlers(groups, training).tolist() == [False, False, True, True, False, False]
