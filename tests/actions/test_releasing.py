"""What nobody has reviewed does not leave, unless the file says so."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.actions.segment_context import a_context, layer_of
from tests.actions.test_reviewing import NETWORK
from viewer.actions.context import Context
from viewer.actions.registry import perform
from viewer.errors import InputRefused
from viewer.session.edits import AddSegmentation


@pytest.fixture
def context() -> Iterator[Context]:
    with a_context() as found:
        drawn = replace(layer_of(found), uid="2.25.77", name="Finder", origin=NETWORK)
        found.session.apply(AddSegmentation.of(drawn))
        found.viewing.set(segmentation_uid=drawn.uid, segment_number=1)
        yield found


def dcmread(path: Path) -> Any:
    from pydicom import dcmread as read

    return read(path)


def _accept(context: Context, number: int) -> None:
    context.viewing.set(segment_number=number)
    perform(context, "ai.accept")


FORMATS = ("seg", "nifti", "rtstruct", "seg_nrrd", "surface", "seg_as")


@pytest.mark.parametrize("verb", FORMATS)
def test_an_open_finding_is_refused_and_nothing_written(
    context: Context, tmp_path: Path, verb: str
) -> None:
    more = {"kind": "LABELMAP"} if verb == "seg_as" else {}
    with pytest.raises(InputRefused, match="Nobody has reviewed"):
        perform(context, f"export.{verb}", path=tmp_path / "file.dcm", **more)
    assert not list(tmp_path.iterdir())


def test_a_reviewed_finding_leaves_without_the_word(context: Context, tmp_path: Path) -> None:
    _accept(context, 1)
    with pytest.raises(InputRefused, match="Nobody has reviewed"):
        perform(context, "export.seg", path=tmp_path / "seg.dcm")
    _accept(context, 2)
    perform(context, "export.seg", path=tmp_path / "seg.dcm")
    dataset = dcmread(tmp_path / "seg.dcm")
    assert "UNREVIEWED" not in dataset.SeriesDescription
    assert not any("SegmentDescription" in item for item in dataset.SegmentSequence)


def test_chosen_the_file_says_it_of_each_open_finding(context: Context, tmp_path: Path) -> None:
    _accept(context, 1)
    perform(context, "export.unreviewed", kind="seg", path=tmp_path / "seg.dcm")
    dataset = dcmread(tmp_path / "seg.dcm")
    assert dataset.SeriesDescription == "UNREVIEWED Finder"
    said = [str(item.get("SegmentDescription", "")) for item in dataset.SegmentSequence]
    assert said == ["", "UNREVIEWED result of a network"]


def test_a_copy_that_nobody_changed_is_open_too(context: Context, tmp_path: Path) -> None:
    perform(context, "ai.edit_copy")
    with pytest.raises(InputRefused, match="Nobody has reviewed"):
        perform(context, "export.seg", path=tmp_path / "seg.dcm")
    point = tuple(float(v) for v in layer_of(context).grid.world((20, 20, 8)))
    perform(context, "paint.stroke", points_lps_mm=(point,), radius_mm=2.0)
    perform(context, "export.unreviewed", kind="seg", path=tmp_path / "seg.dcm")
    dataset = dcmread(tmp_path / "seg.dcm")
    said = ["UNREVIEWED" in item.get("SegmentDescription", "") for item in dataset.SegmentSequence]
    assert said == [False, True]


def test_numbers_of_an_open_finding_are_named_so(context: Context, tmp_path: Path) -> None:
    perform(context, "measure.segment")
    for verb in ("sr", "csv", "json"):
        with pytest.raises(InputRefused, match="Nobody has reviewed"):
            perform(context, f"export.{verb}", path=tmp_path / f"out.{verb}")
    assert not list(tmp_path.iterdir())
    perform(context, "export.unreviewed", kind="json", path=tmp_path / "out.json")
    document = json.loads((tmp_path / "out.json").read_text())
    assert all(m["label"].startswith("UNREVIEWED ") for m in document["measurements"])
    layer = next(s for s in document["segmentations"] if s["uid"] == "2.25.77")
    assert [s["label"] for s in layer["segments"]] == ["UNREVIEWED", "UNREVIEWED"]
    origin = layer["origin"]
    assert (origin["key"], origin["version"], origin["sha256"]) == ("finder", "1.2", "ab" * 32)
    own = next(s for s in document["segmentations"] if s["uid"] != "2.25.77")
    assert not any("label" in s for s in own["segments"])


def test_hand_made_work_needs_no_verdict(context: Context, tmp_path: Path) -> None:
    own = context.session.state.segmentations[0]
    context.viewing.set(segmentation_uid=own.uid, segment_number=1)
    perform(context, "export.seg", path=tmp_path / "seg.dcm")
    assert "UNREVIEWED" not in dcmread(tmp_path / "seg.dcm").SeriesDescription
