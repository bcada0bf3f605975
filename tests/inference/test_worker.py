"""Facts of the worker's own parts, gathered in a process of their own: here torch stays out."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from viewer.inference.handover import Handover

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="torch is not installed"
)


@pytest.fixture(scope="module")
def facts() -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.inference.facts_of_the_worker"]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def test_a_u_net_answers_each_voxel_and_a_classifier_each_lesion(facts: dict[str, Any]) -> None:
    assert facts["unet_shape"] == [1, 1, 32, 32, 48]
    assert facts["cnn_shape"] == [3, 1]


def test_networks_are_small(facts: dict[str, Any]) -> None:
    # Those that rebuild what others published are as large as that is.
    of_others = {"nnunet", "monai_unet", "segresnet", "torchvision"}
    ours = {key: n for key, n in facts["parameters"].items() if key not in of_others}
    assert len(ours) >= 6
    assert max(ours.values()) < 1_000_000


def test_weights_survive_the_way_through_a_file(facts: dict[str, Any]) -> None:
    assert facts["round_trip"]
    assert facts["repeats"]


def test_a_cancel_is_looked_for_inside_a_tile(facts: dict[str, Any]) -> None:
    assert facts["checks_per_tile"] >= 10


def test_widths_that_make_no_sense_are_refused(facts: dict[str, Any]) -> None:
    assert facts["refused"] == ["", "8", "8 x", "8 -1", "8 9999", "1 1 1 1 1 1 1"]


def test_a_starved_worker_gives_up_threads_one_by_one_and_takes_them_back(
    facts: dict[str, Any],
) -> None:
    assert facts["pace"] == [3, 3, 2, 2, 1, 1, 3]


def test_a_graphics_card_gets_what_its_memory_takes(facts: dict[str, Any]) -> None:
    """Played by the processor: there is no card on most machines that test."""
    found = facts["graphics"]
    assert (found["device"], found["precision"]) == ("Played GPU", "float16 (autocast)")
    assert found["suited"] == [32, 32, 32], "60 MB hold no more at 1000 bytes a voxel"
    assert found["batches"] == [4, 2, 1, 1, 2, 1, 1], "a batch is halved until it fits"
    assert found["shape"] == [4, 1, 16, 16, 16]
    assert (found["no_room"], found["gone"]) == ("NoRoom", "DeviceLost")
    assert found["emptied"] > 1


def test_the_loss_tells_right_from_wrong(facts: dict[str, Any]) -> None:
    assert facts["loss"]["right"] < 0.02
    assert facts["loss"]["wrong"] > 10


def _lent(handover: Handover, stack: Any, **arrays: Any) -> dict[str, Any]:
    return {name: stack.enter_context(handover.lend(array)) for name, array in arrays.items()}


def test_patches_lie_around_lesions_look_alikes_and_anywhere() -> None:
    # The batches need no torch.
    from contextlib import ExitStack

    from viewer.inference.worker.batches import Patches

    labels = np.zeros((24, 40, 40), dtype=np.uint8)
    labels[10:13, 20:23, 20:23] = 1
    grey = np.where(labels > 0, 200, 30).astype(np.uint8)
    handover = Handover()
    with ExitStack() as stack:
        sample = _lent(handover, stack, grey=grey, labels=labels)
        plan = {"seed": 1, "patch_kji": [8, 16, 16], "batch": 32, "samples": [sample]}
        batch = Patches(plan)
        inputs, targets = batch.draw()
        again = Patches(plan).draw()
    handover.close()
    assert inputs.shape == targets.shape == (32, 1, 8, 16, 16)
    with_lesion = (targets.reshape(32, -1).max(axis=1) > 0).mean()
    assert 0.3 < with_lesion < 0.95
    assert inputs.min() >= 0
    assert inputs.max() <= 1
    assert (inputs[targets > 0] > inputs[targets == 0].mean()).all()
    np.testing.assert_array_equal(again[0], inputs)


def test_half_of_the_views_hold_the_finding() -> None:
    from contextlib import ExitStack

    from viewer.inference.worker.batches import LesionViews

    views = np.zeros((9, 2, 8, 8, 8), dtype=np.uint8)
    targets = np.array([1, 0, 0, 0, 0, 0, 0, 0, 0], dtype=np.uint8)
    handover = Handover()
    with ExitStack() as stack:
        sample = _lent(handover, stack, views=views, targets=targets)
        inputs, wanted = LesionViews({"seed": 1, "batch": 8, "samples": [sample]}).draw()
    handover.close()
    assert inputs.shape == (8, 2, 8, 8, 8)
    assert wanted.ravel().tolist() == [1, 1, 1, 1, 0, 0, 0, 0]
