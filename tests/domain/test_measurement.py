"""Measurements and what their numbers are made of."""

from dataclasses import replace

import pytest

from viewer.domain.measurement import KINDS, Measurement, Receipt, Review
from viewer.domain.quantity import LENGTH, LONG_AXIS, Code, Quantity, Spacing, SpacingSource

RECEIPT = Receipt(
    series_uid="1.2.3",
    sop_instance_uids=("1.2.3.1", "1.2.3.2"),
    n_voxels=None,
    value_chain="no values are used",
    spacing=Spacing(0.7, 0.6, SpacingSource.PATIENT),
    rule="straight line",
    program="Negatoscope 0",
)
MEASUREMENT = Measurement(
    "2.25.1",
    "distance",
    "Lesion 1",
    ((0.0, 0.0, 0.0), (3.0, 4.0, 0.0)),
    "1.9",
    "key",
    (Quantity(LENGTH, 5.0, "mm"),),
    RECEIPT,
)


def test_every_kind_stands_under_its_own_key() -> None:
    assert all(key == kind.key for key, kind in KINDS.items())
    assert {key: kind.n_points for key, kind in KINDS.items()} == {
        "distance": 2,
        "bidirectional": 4,
        "polyline": 2,
        "angle": 3,
        "cobb": 4,
        "cardiothoracic_ratio": 4,
        "ellipse": 3,
        "rectangle": 3,
        "polygon": 3,
        "freehand": 3,
        "livewire": 3,
        "wall_to_wall": 2,
        "calcium_score": 3,
        "probe": 1,
        "suv_peak": 1,
        "arrow": 2,
        "note": 1,
        "segment": 2,
        "segment_calcium": 0,
    }
    assert {key for key, kind in KINDS.items() if kind.is_open_ended} == {
        "polyline",
        "polygon",
        "freehand",
        "livewire",
        "calcium_score",
    }
    assert KINDS["polygon"].takes(500)
    assert not KINDS["polygon"].takes(2)
    assert not KINDS["angle"].takes(4)


def test_a_quantity_is_found_by_its_concept() -> None:
    found = MEASUREMENT.quantity(LENGTH)
    assert found is not None
    assert found.value == 5.0
    assert MEASUREMENT.quantity(LONG_AXIS) is None
    # Another program's words for the same code are the same concept.
    assert MEASUREMENT.quantity(Code(LENGTH.value, LENGTH.scheme, "Distance")) == found
    assert MEASUREMENT.quantity(Code(LENGTH.value, "DCM", "Length")) is None


def test_nothing_is_reviewed_before_somebody_did() -> None:
    assert MEASUREMENT.review is Review.UNREVIEWED


def test_a_receipt_can_be_read() -> None:
    lines = dict(RECEIPT.lines())
    assert lines["Images"] == "2"
    assert lines["Voxels"] == "-"
    assert lines["Spacing"] == "0.7 x 0.6, pixel spacing in the patient"
    assert lines["Interpolation"] == "none: stored voxels"
    assert "Network" not in lines
    assert dict(replace(RECEIPT, n_voxels=12).lines())["Voxels"] == "12"
    assert dict(replace(RECEIPT, network="nodules 1").lines())["Network"] == "nodules 1"


@pytest.mark.parametrize("source", list(SpacingSource))
def test_a_receipt_says_in_words_how_millimetres_came_to_be_known(source: SpacingSource) -> None:
    receipt = replace(RECEIPT, spacing=Spacing(1, 1, source))
    assert len(dict(receipt.lines())["Spacing"]) > len("1 x 1, ")
