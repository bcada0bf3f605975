"""The architectures for flat pictures and the pictures that they are trained on."""

import importlib.util
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.learning.small_images import squares
from viewer.errors import Damaged
from viewer.inference.image_input import standardised
from viewer.learning.image_evaluate import auc

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="torch is not installed"
)

OPTIONS = {"widths": "4 8", "classes": 2, "members": 2}


@pytest.fixture(scope="module")
def lab() -> Any:
    """Return what is tried; torch is imported here, not whenever tests are collected."""
    import torch

    from viewer.inference.worker import architectures, image_augment, image_training

    def pictures(*shape: int) -> Any:
        values = np.random.default_rng(5).normal(size=shape)
        return torch.from_numpy(values.astype(np.float32))

    return SimpleNamespace(
        torch=torch,
        pictures=pictures,
        built=architectures.built,
        drawn=lambda: torch.Generator().manual_seed(7),
        Augmentation=image_augment.Augmentation,
        placed=image_augment.placed,
        shaded=image_augment.shaded,
        mixed=image_augment.mixed,
        remember=image_training.remember_features,
        whitened=image_training.whitened,
        train_images=image_training.train_images,
    )


def test_an_ensemble_answers_logits_of_each_member_and_one_distance(lab: Any) -> None:
    network = lab.built("image_cnn", OPTIONS).eval()
    assert network(lab.pictures(3, 1, 20, 28)).shape == (3, 2 * 2 + 1)


def test_the_distance_is_that_of_mahalanobis_to_the_nearest_class(lab: Any) -> None:
    from scipy.spatial.distance import mahalanobis

    lab.torch.manual_seed(1)
    network = lab.built("image_cnn", {**OPTIONS, "members": 1}).eval()
    shown = lab.pictures(40, 1, 16, 16)
    labels = np.arange(40) % 2
    lab.remember(network, shown.numpy(), labels)
    with lab.torch.inference_mode():
        features = network.members[0].features(shown).double().numpy()
        found = network(shown)[:, -1].numpy()
    centres = np.stack([features[labels == n].mean(axis=0) for n in (0, 1)])
    within = features - centres[labels]
    covariance = within.T @ within / 38
    covariance = 0.9 * covariance + 0.1 * np.diag(np.diag(covariance) + 1e-6)
    inverse = np.linalg.inv(covariance)
    wanted = [min(mahalanobis(one, c, inverse) for c in centres) for one in features]
    assert np.allclose(found, wanted, rtol=2e-3)


def test_a_class_without_pictures_does_not_break_the_whitening(lab: Any) -> None:
    centres, whitening = lab.whitened(np.eye(4), np.zeros(4, dtype=np.int64), 3)
    assert np.isfinite(centres).all()
    assert np.isfinite(whitening).all()


def test_a_distance_of_nothing_has_no_part_in_the_training(lab: Any) -> None:
    network = lab.built("image_cnn", OPTIONS)
    network(lab.pictures(2, 1, 16, 16))[:, :2].sum().backward()
    assert all(p.grad is None or bool(p.grad.isfinite().all()) for p in network.parameters())


def test_the_flat_unet_answers_at_its_inputs_size(lab: Any) -> None:
    network = lab.built("unet2d", {"widths": "4 8 8", "channels": 4}).eval()
    assert network(lab.pictures(1, 4, 24, 32)).shape == (1, 1, 24, 32)


@pytest.mark.parametrize("options", [{"members": 0}, {"members": 99}, {"classes": "x"}])
def test_counts_that_make_no_sense_are_refused(lab: Any, options: dict[str, object]) -> None:
    with pytest.raises(Damaged):
        lab.built("image_cnn", {**OPTIONS, **options})


def test_no_amount_changes_nothing(lab: Any) -> None:
    shown, nothing = lab.pictures(3, 1, 16, 16), lab.Augmentation()
    moved, _ = lab.placed(shown, None, nothing, lab.drawn())
    assert lab.torch.allclose(lab.shaded(moved, nothing, lab.drawn()), shown, atol=1e-5)


def test_masks_move_with_their_pictures(lab: Any) -> None:
    shown = lab.torch.zeros(8, 1, 32, 32)
    shown[:, :, 8:20, 10:26] = 1.0
    how = lab.Augmentation(shift=0.1, turn_deg=30, scale=0.2, flip_columns=0.5, flip_rows=0.5)
    moved, mask = lab.placed(shown, shown, how, lab.drawn())
    assert lab.torch.equal(mask, (moved > 0.5).float())
    assert not lab.torch.equal(mask, shown)


def test_a_flip_alone_mirrors(lab: Any) -> None:
    shown = lab.pictures(4, 1, 16, 16)
    moved, _ = lab.placed(shown, None, lab.Augmentation(flip_columns=1.0), lab.drawn())
    assert lab.torch.allclose(moved, shown.flip(3), atol=1e-5)


def test_blur_keeps_the_sum_of_what_is_inside(lab: Any) -> None:
    shown = lab.torch.zeros(6, 1, 32, 32)
    shown[:, :, 14:18, 14:18] = 1.0
    blurred = lab.shaded(shown, lab.Augmentation(blur_px=1.5), lab.drawn())
    assert lab.torch.allclose(blurred.sum(dim=(1, 2, 3)), shown.sum(dim=(1, 2, 3)), rtol=1e-3)
    assert float((blurred - shown).abs().max()) > 0.05


def test_mixed_targets_stay_probabilities(lab: Any) -> None:
    targets = lab.torch.eye(2).repeat(4, 1)
    shown = lab.pictures(8, 1, 8, 8)
    _, found = lab.mixed(shown, targets, lab.Augmentation(mix=0.4), lab.drawn())
    assert lab.torch.allclose(found.sum(dim=1), lab.torch.ones(8))
    assert bool((found.max(dim=1).values >= 0.5).all())


def test_an_augmentation_that_is_not_known_is_refused(lab: Any) -> None:
    with pytest.raises(TypeError, match="twist"):
        lab.Augmentation.from_table({"twist": 1})


def test_a_bright_square_is_learned_in_a_few_steps(lab: Any) -> None:
    from safetensors.torch import load

    greys, labels = squares(48, 1)
    plan = {
        "task": "image_classes",
        "architecture": "image_cnn",
        "options": {**OPTIONS, "members": 1},
        "batch": 16,
        "steps": 60,
        "learning_rate": 2e-2,
        "weight_decay": 0.01,
        "averaging": 0.8,
        "smoothing": 0.0,
        "seed": 1,
        "time_limit_s": 60,
        "augment": {"shift": 0.1, "noise": 0.1},
    }
    told: list[float] = []

    def report(share: float, _text: str) -> None:
        told.append(share)

    shown = standardised(greys.astype(np.float32))[:, None]
    weights, losses = lab.train_images(plan, shown, labels, report, lambda: None)
    network = lab.built("image_cnn", plan["options"]).eval()
    network.load_state_dict(load(weights))
    unseen, truth = squares(24, 2)
    answers = network(lab.torch.from_numpy(standardised(unseen.astype(np.float32))[:, None]))
    score = (answers[:, 1] - answers[:, 0]).detach().numpy()
    assert auc(score.astype(np.float64), truth == 1) > 0.9
    assert losses[-1] < losses[0]
    assert told == sorted(told)
    again, _ = lab.train_images(plan, shown, labels, report, lambda: None)
    assert again == weights  # the same seed gives the same network
