"""Architectures that plug-ins bring: found, checked, built in the worker, and never named by a card."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from tests.inference.cards_for_tests import a_card
from tests.inference.test_supervisor import needs_torch
from viewer.domain.card import NetworkCard
from viewer.errors import Damaged
from viewer.extensions.discover import load_extensions
from viewer.inference.cards import WEIGHTS
from viewer.inference.supervisor import Supervisor
from viewer.jobs.job import Ticket
from viewer.testing.builders import a_volume

_MODULE = "tests.inference.a_plugin_network"


def _installed(folder: Path, architecture: str, bias: float = -0.5) -> NetworkCard:
    data = save({"0.weight": np.full((1, 1, 1, 1, 1), 2.0, dtype=np.float32),
                 "0.bias": np.full(1, bias, dtype=np.float32)})  # fmt: skip
    (folder / WEIGHTS).write_bytes(data)
    return a_card(
        architecture=architecture, options=(("gain", 2.0),), min_volume_mm3=0.0,
        weights_sha256=hashlib.sha256(data).hexdigest(),
    )  # fmt: skip


def test_a_plug_in_registers_its_architectures() -> None:
    found = load_extensions([_MODULE])
    assert found.findings == ()
    assert found.architectures["plus"].title == "Doubling"
    assert found.providers == {"plus": _MODULE}


@needs_torch
def test_a_network_of_a_plug_in_runs_and_of_nobody_does_not(tmp_path: Path) -> None:
    card = _installed(tmp_path, "plus")
    volume = a_volume((8, 8, 8), spacing_ijk_mm=(2, 2, 2), value_hu=-950).build()
    volume.stored[2:5, 2:6, 3:6] = 500
    supervisor = Supervisor(
        cards={card.key: (card, tmp_path)}, providers=lambda: load_extensions([_MODULE]).providers
    )
    try:
        found = supervisor.segment(volume, card, Ticket()).segmentation.labels
        # Twice the window's share less a half is above 0 where the share is above a quarter.
        grey = (volume.quantity.block(volume.stored) + 1000) / 1600
        np.testing.assert_array_equal(found > 0, 2 * grey - 0.5 > 0)
        stranger = _installed(tmp_path, "os", bias=0.0)
        with pytest.raises(Damaged, match="not known here: os"):
            supervisor.segment(volume, stranger, Ticket())
    finally:
        supervisor.close()
