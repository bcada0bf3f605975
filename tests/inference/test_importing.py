"""A network from elsewhere becomes one of the user's own: whole, pinned, and the same."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.inference.foreign_folders import a_bundle
from tests.inference.test_supervisor import needs_torch
from viewer.errors import Conflict, Damaged, InputRefused
from viewer.inference.cards import WEIGHTS, load_card, load_cards
from viewer.inference.foreign_readers import read_foreign
from viewer.inference.importing import TRUST, bring_in, users_networks
from viewer.inference.supervisor import Supervisor
from viewer.jobs.job import Ticket
from viewer.testing.builders import a_volume

pytestmark = needs_torch


@pytest.fixture(scope="module")
def supervisor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervisor]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEGATOSCOPE_HOME", str(tmp_path_factory.mktemp("worker")))
        made = Supervisor(cards={})
        yield made
        made.close()


def test_a_bundle_is_imported_and_answers_on_a_scan(supervisor: Supervisor, tmp_path: Path) -> None:
    foreign = read_foreign(a_bundle(tmp_path))
    made = bring_in(supervisor, foreign, Ticket())
    assert load_card(made.folder) == made.card
    assert made.card.onnx_sha256
    assert "toy_bundle" in load_cards()
    volume = a_volume((10, 20, 20), spacing_ijk_mm=(2, 2, 2)).with_sphere(radius_mm=9).build()
    first = supervisor.segment(volume, made.card, Ticket())
    assert first.segmentation.labels.shape == volume.grid.shape_kji
    assert first.segmentation.origin.sha256 == made.card.weights_sha256
    # A second one of that name would take its place: not unless asked to.
    with pytest.raises(Conflict, match="--force"):
        bring_in(supervisor, foreign, Ticket())
    again = bring_in(supervisor, foreign, Ticket(), force=True)
    assert again.card.weights_sha256 == made.card.weights_sha256
    second = supervisor.segment(volume, again.card, Ticket())
    np.testing.assert_array_equal(second.segmentation.labels, first.segmentation.labels)


def test_a_shipped_network_is_never_replaced(supervisor: Supervisor, tmp_path: Path) -> None:
    foreign = read_foreign(a_bundle(tmp_path)).answered({"key": "lesions"})
    with pytest.raises(Conflict, match="shipped"):
        bring_in(supervisor, foreign, Ticket(), force=True)


def test_what_does_not_fit_leaves_nothing_behind(supervisor: Supervisor, tmp_path: Path) -> None:
    foreign = read_foreign(a_bundle(tmp_path))
    options = {**foreign.options, "features": "2 3 5"}
    with pytest.raises(Damaged, match="do not fit"):
        bring_in(supervisor, replace(foreign, options=options), Ticket())
    weights = tmp_path / "toy_bundle" / "models" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(Damaged):
        bring_in(supervisor, foreign, Ticket())
    assert list(users_networks().iterdir()) == []


def test_torchscript_needs_a_word_of_trust(supervisor: Supervisor, tmp_path: Path) -> None:
    foreign = replace(read_foreign(a_bundle(tmp_path)), form="script", needs_trust=True)
    with pytest.raises(InputRefused) as caught:
        bring_in(supervisor, foreign, Ticket())
    assert caught.value.what == TRUST


def test_an_onnx_file_alone_is_a_network(supervisor: Supervisor, tmp_path: Path) -> None:
    bundle = bring_in(supervisor, read_foreign(a_bundle(tmp_path)), Ticket())
    path = tmp_path / "alone.onnx"
    path.write_bytes((bundle.folder / "model.onnx").read_bytes())
    said = {"modality": "CT", "classes": "background, spleen", "spacing": "1 2 3",
            "tile": "8 16 32", "scaling": "-57 164 to -1 1", "axes": "RAS"}  # fmt: skip
    foreign = read_foreign(path)
    assert [q.key for q in foreign.missing] == [
        "modality", "classes", "spacing", "tile", "scaling", "axes", "ends",
    ]  # fmt: skip
    made = bring_in(supervisor, foreign.answered({**said, "ends": "logits"}), Ticket())
    assert not (made.folder / WEIGHTS).exists()
    volume = a_volume((10, 20, 20), spacing_ijk_mm=(2, 2, 2)).with_sphere(radius_mm=9).build()
    found = [supervisor.segment(volume, card, Ticket()) for card in (made.card, bundle.card)]
    first, second = (one.segmentation.labels for one in found)
    np.testing.assert_array_equal(first, second)
    with pytest.raises(InputRefused, match="2 outputs"):
        foreign.answered({"classes": "one"})
