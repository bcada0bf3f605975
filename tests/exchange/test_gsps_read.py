"""Presentation states: those of other makers, and what the standard's steps give."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.intake.writing import a_slice, an_item, saved
from viewer.domain.graphics import ShutterShape
from viewer.domain.volume import Picture, Window
from viewer.errors import Damaged, Unsupported
from viewer.exchange.gsps_read import read_presentation
from viewer.imaging.softcopy import softcopy_window
from viewer.imaging.value_chain import shown_inverted, windowed
from viewer.intake.decode import load
from viewer.intake.scan import scan
from viewer.session.viewing import Viewing

GSPS = "1.2.840.10008.5.1.4.1.1.11.1"


def a_state(image: Any, **values: Any) -> Any:
    """Return a presentation state of ``image``."""
    state = an_item(
        SOPClassUID=GSPS,
        SOPInstanceUID="2.25.7001",
        StudyInstanceUID=image.StudyInstanceUID,
        SeriesInstanceUID="2.25.7002",
        Modality="PR",
        ContentLabel="MINE",
        PatientName=image.PatientName if "PatientName" in image else "",
        PresentationLUTShape="IDENTITY",
    )
    named = an_item(
        ReferencedSOPClassUID=image.SOPClassUID, ReferencedSOPInstanceUID=image.SOPInstanceUID
    )
    series = an_item(SeriesInstanceUID=image.SeriesInstanceUID, ReferencedImageSequence=[named])
    state.ReferencedSeriesSequence = [series]
    for name, value in values.items():
        setattr(state, name, value)
    return state


def opened(path: Path) -> Picture:
    return load(scan([path]).pictures[0])


def shown(picture: Picture, window: Window) -> NDArray[np.float64]:
    return windowed(picture.quantity.slice_values(picture.stored[0], 0), window)


def test_the_tables_of_a_real_state_are_applied_one_after_the_other(shared_data: Path) -> None:
    """Modality, VOI and presentation LUT together, by plain indexing into the file's own tables."""
    from pydicom import dcmread

    folder = shared_data / "special" / "presentation_state"
    dataset = dcmread(folder / "prLUTs.dcm")
    picture = opened(folder / "imageForPrLUTs.dcm")
    window = softcopy_window(read_presentation(folder / "prLUTs.dcm"), picture, 0)
    assert window is not None
    steps = (
        dataset.ModalityLUTSequence[0],
        dataset.SoftcopyVOILUTSequence[0].VOILUTSequence[0],
        dataset.PresentationLUTSequence[0],
    )
    values = picture.stored[0].astype(np.int64)
    for step in steps:
        values = np.asarray(step.LUTData)[values]
    np.testing.assert_allclose(shown(picture, window), values / 255, atol=1e-4)


def test_a_real_state_brings_its_own_overlays(shared_data: Path) -> None:
    from pydicom import dcmread

    path = shared_data / "special" / "presentation_state" / "prOverlay.dcm"
    dataset = dcmread(path)
    state = read_presentation(path)
    assert state.label == "OVLY_P01"
    assert len(state.overlays) == 2
    for group, overlay in zip((0x6008, 0x600A), state.overlays, strict=True):
        np.testing.assert_array_equal(
            overlay.mask((512, 512)), dataset.overlay_array(group).astype(bool)
        )


def test_the_states_window_is_meant_on_its_own_rescale(tmp_path: Path) -> None:
    image = a_slice(0)
    image.RescaleSlope, image.RescaleIntercept = 2, -1000
    voi = an_item(WindowCenter=300, WindowWidth=100)
    state = a_state(image, SoftcopyVOILUTSequence=[voi], RescaleSlope=0.5, RescaleIntercept=20)
    picture = opened(saved(image, tmp_path / "image"))
    window = softcopy_window(read_presentation(saved(state, tmp_path / "state")), picture, 0)
    assert window is not None
    expected = windowed(picture.stored[0] * 0.5 + 20, Window(300, 100))
    # The ramp of LINEAR has offsets of half a unit, which do not scale: a quarter of a per cent.
    np.testing.assert_allclose(shown(picture, window), expected, atol=0.02)


def test_everything_that_a_state_says_is_read(tmp_path: Path) -> None:
    image = a_slice(0)
    graphic = an_item(
        GraphicAnnotationUnits="PIXEL",
        GraphicDimensions=2,
        NumberOfGraphicPoints=2,
        GraphicData=[1.0, 2.0, 3.5, 4.5],
        GraphicType="POLYLINE",
        GraphicFilled="N",
    )
    text = an_item(
        UnformattedTextValue="look\r\nhere",
        AnchorPoint=[0.25, 0.5],
        AnchorPointAnnotationUnits="DISPLAY",
        AnchorPointVisibility="Y",
    )
    area = an_item(DisplayedAreaTopLeftHandCorner=[3, 2], DisplayedAreaBottomRightHandCorner=[6, 5])
    state = a_state(
        image,
        PresentationLUTShape="INVERSE",
        ImageRotation=270,
        ImageHorizontalFlip="Y",
        DisplayedAreaSelectionSequence=[area],
        ShutterShape="RECTANGULAR",
        ShutterUpperHorizontalEdge=1,
        ShutterLowerHorizontalEdge=4,
        ShutterLeftVerticalEdge=2,
        ShutterRightVerticalEdge=7,
        GraphicAnnotationSequence=[
            an_item(GraphicObjectSequence=[graphic], TextObjectSequence=[text])
        ],
    )
    found = read_presentation(saved(state, tmp_path / "state"))
    assert (found.inverted, found.rotation_deg, found.flipped) == (True, 270, True)
    assert set(found.references) == {(image.SOPInstanceUID, 0)}
    assert list(found.areas[0].edges) == [2, 1, 5, 4]
    assert found.shutter is not None
    assert found.shutter.shapes == (ShutterShape("rectangle", (0, 3, 1, 6)),)
    line, words = found.graphics
    assert (line.kind, line.points) == ("polyline", ((0.5, 1.5), (3.0, 4.0)))
    assert (words.kind, words.units, words.text) == ("text", "display", "look here")


@pytest.mark.parametrize(
    ("photometric", "shape", "state", "is_inverted"),
    [
        ("MONOCHROME2", "", "", False),
        ("MONOCHROME2", "IDENTITY", "", False),
        ("MONOCHROME2", "INVERSE", "", True),
        ("MONOCHROME1", "", "", True),
        ("MONOCHROME1", "INVERSE", "", True),
        # A state replaces what the image says of itself (PS3.4 N.2).
        ("MONOCHROME2", "", "IDENTITY", False),
        ("MONOCHROME2", "", "INVERSE", True),
        ("MONOCHROME1", "", "IDENTITY", False),
        ("MONOCHROME1", "INVERSE", "INVERSE", True),
        ("MONOCHROME2", "INVERSE", "IDENTITY", False),
    ],
)
def test_white_is_low_where_the_last_word_says_so(
    photometric: str, shape: str, state: str, is_inverted: bool, tmp_path: Path
) -> None:
    image = a_slice(0, modality="DX")
    image.PhotometricInterpretation = photometric
    if shape:
        image.PresentationLUTShape = shape
    picture = opened(saved(image, tmp_path / "image"))
    viewing = Viewing()
    viewing.show(picture)
    if state:
        file = saved(a_state(image, PresentationLUTShape=state), tmp_path / "state")
        viewing.present_as(picture, read_presentation(file))
    found = shown_inverted(picture) != (picture.key in viewing.look.inverted)
    assert found is is_inverted


def test_other_objects_and_rubbish_are_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="no presentation state"):
        read_presentation(saved(a_slice(0), tmp_path / "image"))
    (tmp_path / "rubbish").write_bytes(b"nothing at all")
    with pytest.raises(Damaged):
        read_presentation(tmp_path / "rubbish")


def test_broken_parts_are_left_out(tmp_path: Path) -> None:
    image = a_slice(0)
    odd = an_item(GraphicAnnotationUnits="PIXEL", GraphicData=[1.0, 2.0, 3.0], GraphicType="CIRCLE")
    state = a_state(
        image,
        GraphicAnnotationSequence=[an_item(GraphicObjectSequence=[odd])],
        SoftcopyVOILUTSequence=[an_item(WindowCenter=300, WindowWidth=0)],
        ShutterShape="CIRCULAR",
    )
    found = read_presentation(saved(state, tmp_path / "state"))
    assert (found.graphics, found.windows, found.shutter) == ((), (), None)
