"""Explanations against Captum, which others wrote, and against what must be true of them."""

import importlib.util
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from viewer.inference.occlusion import occlusion, squares_of

needs_captum = pytest.mark.skipif(
    importlib.util.find_spec("captum") is None, reason="captum is not installed"
)
Told = list[tuple[float, str]]


@dataclass(frozen=True)
class Lab:
    """A small ensemble with random weights, and a picture."""

    network: Any
    seen: np.ndarray
    own: Any
    torch: Any

    def score(self, number: int) -> Any:
        """Return the function of pictures that is explained, for Captum."""
        return lambda pictures: self.own.log_odds(self.network(pictures), number, 3)


@pytest.fixture(scope="module")
def lab() -> Lab:
    torch = pytest.importorskip("torch")
    from viewer.inference.worker import gradients
    from viewer.inference.worker.image_networks import image_ensemble

    torch.manual_seed(3)
    network = image_ensemble({"members": 2, "classes": 3}, (6, 8)).eval()
    seen = np.random.default_rng(2).normal(size=(1, 1, 20, 24)).astype(np.float32)
    return Lab(network, seen, gradients, torch)


@needs_captum
def test_grad_cam_of_each_member_is_captums(lab: Lab) -> None:
    from captum.attr import LayerGradCam

    picture = lab.torch.from_numpy(lab.seen)
    expected = sum(
        LayerGradCam(lab.score(1), member.body).attribute(picture) for member in lab.network.members
    )
    larger = lab.torch.nn.functional.interpolate(
        lab.torch.relu(expected), size=(20, 24), mode="bilinear"
    )
    found = lab.own.grad_cam(lab.network, lab.seen, 1, 3)
    assert found.max() > 0
    np.testing.assert_allclose(found, larger[0, 0].detach().numpy(), atol=1e-6)


@needs_captum
def test_integrated_gradients_are_captums_and_add_up(lab: Lab) -> None:
    from captum.attr import IntegratedGradients

    picture = lab.torch.from_numpy(lab.seen)
    method = IntegratedGradients(lab.score(2))
    expected = method.attribute(picture, n_steps=64, method="gausslegendre")
    told: Told = []
    found, gap = lab.own.integrated_gradients(
        lab.network, lab.seen, 2, 3, lambda *said: told.append(said)
    )
    np.testing.assert_allclose(found, expected[0, 0].detach().numpy(), atol=2e-5)
    with lab.torch.no_grad():
        ends = lab.score(2)(lab.torch.cat((picture, 0 * picture))).numpy()
    assert found.sum() == pytest.approx(ends[0] - ends[1], rel=0.02)
    assert abs(gap) < 0.02
    assert len(told) > 1  # a cancel is heard between steps


@needs_captum
def test_occlusion_is_captums(lab: Lab) -> None:
    from captum.attr import Occlusion

    picture = lab.torch.from_numpy(lab.seen)

    def score(pictures: np.ndarray) -> np.ndarray:
        with lab.torch.no_grad():
            return np.asarray(lab.score(0)(lab.torch.from_numpy(pictures)).numpy())

    expected = Occlusion(lab.score(0)).attribute(
        picture, sliding_window_shapes=(1, 4, 4), strides=(1, 4, 4), baselines=0.0
    )
    found = occlusion(lab.seen, score, lambda *_said: None, side=4, step=4)
    np.testing.assert_allclose(found, expected[0, 0].detach().numpy(), atol=1e-5)


def test_classes_of_the_same_odds_add_up_to_none(lab: Lab) -> None:
    answers = lab.torch.zeros(1, 7)
    assert lab.own.log_odds(answers, 0, 3).item() == pytest.approx(-np.log(2))


def test_what_counts_is_found_where_it_lies() -> None:
    seen = np.zeros((1, 1, 30, 40), dtype=np.float32)
    seen[0, 0, 12:16, 20:26] = 1.0

    def bright(pictures: np.ndarray) -> np.ndarray:
        return np.asarray(pictures.sum(axis=(1, 2, 3)))

    found = occlusion(seen, bright, lambda *_said: None, side=6, step=2)
    j, i = np.unravel_index(int(found.argmax()), found.shape)
    assert 12 <= j < 16
    assert 20 <= i < 26
    assert found[:6].max() == 0.0


@pytest.mark.parametrize(
    ("rows", "columns", "side", "step"), [(7, 9, 3, 2), (4, 4, 4, 1), (5, 8, 2, 5)]
)
def test_squares_stay_inside_and_reach_the_far_edges(
    rows: int, columns: int, side: int, step: int
) -> None:
    squares = squares_of(rows, columns, side, step)
    assert all(s.stop - s.start == side for pair in squares for s in pair)
    assert max(down.stop for down, _ in squares) == rows
    assert max(right.stop for _, right in squares) == columns
    with pytest.raises(ValueError, match="at least one"):
        squares_of(rows, columns, 0, 1)
