"""The training of 3-D networks, computed in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

Facts = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def facts() -> Facts:
    """Run the script once and return what it printed."""
    script = Path(__file__).with_name("facts_of_volumes.py")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    answer = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env=environment,
    )
    found: Facts = json.loads(answer.stdout)
    return found


def test_patches_come_with_a_box_with_clicks_and_with_neither(facts: Facts) -> None:
    patches = facts["patches"]
    assert patches["deterministic"]
    assert patches["range"][0] >= 0
    assert patches["range"][1] <= 1
    assert patches["n_boxed"] >= 20
    assert patches["n_clicked"] >= 8
    assert patches["n_free"] >= 8
    assert patches["n_with_lesion"] >= 40


def test_no_lesion_reaches_out_of_its_box(facts: Facts) -> None:
    """The box is drawn from the very voxels that were turned and mirrored with the picture."""
    assert facts["patches"]["most_lesion_outside_a_box"] < 0.5


def test_a_tracer_network_of_two_snapshots_is_loaded_as_an_ensemble(facts: Facts) -> None:
    assert facts["tracer"] == {"shape": [1, 1, 16, 24, 8], "n_losses": 1}


def test_weights_start_from_another_network_where_they_fit(facts: Facts) -> None:
    transfer = facts["transfer"]
    assert transfer["n_copied"] == transfer["n_all"]
    assert transfer["same"]
    assert transfer["half"], "the merging layer takes what came from below"
    assert transfer["max_abs"] < 1e-5, "built alike, it is the same network"


def test_instances_have_their_centre_and_half_extents(facts: Facts) -> None:
    instances = facts["instances"]
    # From 5:9, 6:11 and 4:10, the middles are 6.5, 8 and 6.5 and the halves 2, 2.5 and 3.
    assert instances["centre"][1] == 8
    assert {instances["centre"][0], instances["centre"][2]} <= {6, 7}
    assert instances["half_extents"] == pytest.approx([2, 2.5, 3])
    assert instances["weight_of_the_cut_one"] == 0.0
    assert instances["n_bytes"] > 1000


def test_a_missed_lesion_costs_more_where_lesions_weigh_more(facts: Facts) -> None:
    assert facts["loss"]["weighted"] > facts["loss"]["plain"] + 0.1
