"""One pane put together: nothing overlaps, nothing that matters is missing."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.domain.geometry import fitted_plane
from viewer.domain.measurement import Measurement, Receipt
from viewer.domain.quantity import LENGTH, Quantity
from viewer.domain.study import Patient, Series, Study
from viewer.domain.volume import Volume, Window
from viewer.rendering.annotate import Mark
from viewer.rendering.corners import CornerMode
from viewer.rendering.palettes import PLANE_COLOURS
from viewer.rendering.pane import PaneInfo, pane_primitives
from viewer.rendering.primitives import Chip, Handle, Line, Primitive, Text
from viewer.rendering.text_size import overlap, text_box
from viewer.testing.builders import a_volume

MARKS = (
    Mark("ENHANCED  denoise, CLAHE", "enhanced"),
    Mark("AI lesions 1.0 · unreviewed", "ai"),
    Mark("LOSSY 12:1", "danger"),
    Mark("INCOMPLETE 28/84", "warning"),
)
VALUE = "−1024 HU at (−131.2, −108.0, −1014.5) mm"


def _volume() -> Volume:
    volume = a_volume((30, 60, 60), spacing_ijk_mm=(3, 3, 5)).build()
    identity = replace(
        volume.identity,
        patient=Patient("Wowereit-Wammenwald^Wilhelmine", "MWMWMWMWMWMWMWMWMWMWMWMWMWMW", "", "19610402", "F"),
        study=Study("1", "20261120", "091400", "CT Thorax Abdomen with and without contrast",
                    "WWWWWWWWWWWWWWWWWWWW", "Medical University Hospital West"),
        series=Series("1", 3, "CT", "Thorax 1.0 mm WWWW MMMM B60f sharp", laterality="L"),
        acquired=(("kvp", "120"), ("mas", "250"), ("kernel", "B60f"), ("slice_thickness_mm", "5")),
    )  # fmt: skip
    return replace(volume, identity=identity)


VOLUME = _volume()


def _distance(uid: str, start: np.ndarray, end: np.ndarray) -> Measurement:
    receipt = Receipt("1", (), None, "", VOLUME.spacing, "rule")
    points = tuple((float(p[0]), float(p[1]), float(p[2])) for p in (start, end))
    length = Quantity(LENGTH, float(np.linalg.norm(end - start)), "mm")
    return Measurement(uid, "distance", f"Lesion {uid}", points, "", VOLUME.key, (length,), receipt)


def _info(size: tuple[int, int], **changes: object) -> PaneInfo:
    centre = VOLUME.grid.centre_lps_mm
    point = (float(centre[0]), float(centre[1]), float(centre[2]))
    plane = fitted_plane(VOLUME.grid, "axial", size)
    others = {
        "sagittal": fitted_plane(VOLUME.grid, "sagittal", size),
        "coronal": fitted_plane(VOLUME.grid, "coronal", size),
    }
    info = PaneInfo(
        VOLUME, plane, "axial", Window(-600, 1500), 12.8, (136, 256), VALUE, point,
        others=others, marks=MARKS,
    )  # fmt: skip
    return replace(info, **changes)  # type: ignore[arg-type]


def _texts(primitives: tuple[Primitive, ...]) -> list[Text]:
    return [part for part in primitives if isinstance(part, Text)]


def _assert_apart(primitives: tuple[Primitive, ...], size: tuple[int, int]) -> None:
    texts = _texts(primitives)
    for a, b in combinations(texts, 2):
        assert not overlap(text_box(a), text_box(b)), (a.text, b.text)
    for text in texts:
        left, top, right, bottom = text_box(text)
        assert left >= 0, text.text
        assert top >= 0, text.text
        assert right <= size[0], text.text
        assert bottom <= size[1], text.text


@pytest.mark.parametrize("size", [(380, 300), (460, 380), (512, 512), (640, 560), (380, 900)])
@pytest.mark.parametrize("brief", [False, True])
def test_texts_never_overlap(size: tuple[int, int], brief: bool) -> None:
    found = pane_primitives(_info(size, brief=brief, split_x=size[0] / 2))
    _assert_apart(found, size)
    shown = {text.text for text in _texts(found)}
    assert {"R", "L", "A", "P", *(mark.text for mark in MARKS), VALUE} <= shown


@given(
    size=st.tuples(st.integers(380, 900), st.integers(300, 900)),
    ends=st.lists(st.tuples(*[st.floats(0, 177)] * 4), max_size=9),
    brief=st.booleans(),
)
def test_labels_find_room_or_stay_away(
    size: tuple[int, int], ends: list[tuple[float, float, float, float]], brief: bool
) -> None:
    z = float(VOLUME.grid.centre_lps_mm[2])
    shapes = tuple(
        _distance(str(n), np.array([a, b, z]), np.array([c, d, z]))
        for n, (a, b, c, d) in enumerate(ends)
    )
    found = pane_primitives(_info(size, measurements=shapes, brief=brief))
    _assert_apart(found, size)


def test_every_label_is_there_while_there_is_room() -> None:
    z = float(VOLUME.grid.centre_lps_mm[2])
    shapes = tuple(
        _distance(str(n), np.array([60.0, 30.0 + 30 * n, z]), np.array([80.0, 30.0 + 30 * n, z]))
        for n in range(4)
    )
    found = {text.text for text in _texts(pane_primitives(_info((640, 560), measurements=shapes)))}
    assert {f"Lesion {n}" for n in range(4)} <= found


def test_the_patient_vanishes_when_asked_but_letters_and_marks_stay() -> None:
    hidden = pane_primitives(_info((640, 560), corners=CornerMode.NO_PATIENT))
    text = " ".join(t.text for t in _texts(hidden))
    assert "Wowereit" not in text
    assert "1961" not in text
    bare = [t.text for t in _texts(pane_primitives(_info((640, 560), corners=CornerMode.NONE)))]
    assert sorted(bare) == sorted(["R", "L", "A", "P", "5 cm", *(m.text for m in MARKS)])


def test_a_thumbnail_keeps_letters_and_marks_only() -> None:
    found = _texts(pane_primitives(_info((180, 120), marks=MARKS[2:3], others={})))
    assert sorted(t.text for t in found) == ["A", "L", "LOSSY 12:1", "P", "R"]


@pytest.mark.parametrize("brief", [False, True])
def test_the_planes_chip_stands_beside_its_name(brief: bool) -> None:
    found = pane_primitives(_info((640, 560), brief=brief))
    chip = next(part for part in found if isinstance(part, Chip))
    name = next(text for text in _texts(found) if text.text == "axial")
    box = text_box(name)
    assert chip.colour == PLANE_COLOURS["axial"]
    assert 0 < box[0] - (chip.xy[0] + chip.size_px / 2) < 8
    assert box[1] <= chip.xy[1] <= box[3]


def test_grips_of_the_selected_shape_lie_on_top() -> None:
    z = float(VOLUME.grid.centre_lps_mm[2])
    shape = _distance("7", np.array([60.0, 60.0, z]), np.array([90.0, 60.0, z]))
    found = pane_primitives(_info((640, 560), measurements=(shape,), selected_uid="7"))
    assert isinstance(found[-1], Handle)
    assert not any(
        isinstance(p, Handle) for p in pane_primitives(_info((640, 560), measurements=(shape,)))
    )


def test_the_pointer_of_another_pane_is_shown_where_this_plane_holds_it() -> None:
    info = _info((640, 560), point_lps_mm=None)
    at = info.plane.world((200.0, 300.0))
    here = replace(info, cursor_lps_mm=tuple(at))
    away = replace(info, cursor_lps_mm=tuple(np.add(at, (0, 0, 40))))

    def arms(pane: PaneInfo) -> list[Line]:
        return [p for p in pane_primitives(pane) if isinstance(p, Line) and len(p.points) == 2]

    assert len(arms(here)) == 4
    middle = np.mean([line.points for line in arms(here)], axis=(0, 1))
    np.testing.assert_allclose(middle, (200, 300), atol=1e-6)
    assert arms(away) == []


def test_the_same_pane_gives_the_same_primitives() -> None:
    info = _info((460, 380))
    assert pane_primitives(info) == pane_primitives(info)
