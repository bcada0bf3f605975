"""What the corners say."""

from dataclasses import replace

import numpy as np
import pytest

from viewer.domain.geometry import Grid, Plane, fitted_plane
from viewer.domain.quantity import PIXELS_ONLY
from viewer.domain.study import Patient, Series, Study
from viewer.domain.volume import Display, ImageStack, ValueMap, Volume, Window
from viewer.rendering.corners import (
    CornerMode,
    ViewFacts,
    age,
    brief_corner_text,
    corner_text,
    cut,
    location_text,
    number_text,
    readable_date,
    readable_name,
    readable_time,
    value_text,
    window_text,
)
from viewer.testing.builders import a_volume, an_identity

SIZE = (400, 300)


def _volume() -> Volume:
    volume = a_volume((6, 8, 10), origin_lps_mm=(-5.0, -4.0, -20.0), value_hu=-12).build()
    identity = replace(
        volume.identity,
        patient=Patient("Demonstration^Head^M", "004711", "", "19610402", "F"),
        study=Study("1.2", "20261120", "091400.12", "CT head", "A-118", "University Hospital"),
        series=Series("1.2.3", 3, "CT", "Head 1.0 H31s"),
        acquired=(
            ("kvp", "120"),
            ("mas", "250"),
            ("kernel", "H31s"),
            ("slice_thickness_mm", "1"),
            ("acquisition_time", "091655"),
        ),
    )
    return replace(volume, identity=identity)


def _axial(volume: Volume) -> Plane:
    return fitted_plane(volume.grid, "axial", SIZE, through_lps_mm=(0, 0, -18.5))


def test_each_corner_says_what_belongs_there() -> None:
    volume = _volume()
    facts = ViewFacts(Window(40, 400), 1.8, (3, 6), "−12 HU at (1.0, 2.0, −18.5) mm")
    corners = corner_text(volume, _axial(volume), facts)
    assert corners["tl"] == ("Demonstration, Head M", "004711", "1961-04-02 (65 y) F")
    assert corners["tr"] == ("University Hospital", "CT head", "A-118", "2026-11-20 09:16")
    assert corners["bl"] == (
        "−12 HU at (1.0, 2.0, −18.5) mm",
        "W 400 L 40   ×1.8",
        "Image 3 / 6",
    )
    assert corners["br"] == (
        "Series 3  Head 1.0 H31s",
        "120 kVp  250 mAs  H31s",
        "CT 10 × 8",
        "1.0 mm  F 18.5 mm",
    )


def test_a_slab_is_named_and_thickness_only_along_the_slices() -> None:
    volume = _volume()
    plane = replace(fitted_plane(volume.grid, "sagittal", SIZE), slab_mm=10.0)
    corners = corner_text(volume, plane, ViewFacts())
    assert "Slab 10.0 mm" in corners["bl"]
    assert not any("1.0 mm  " in line for line in corners["br"])


def test_lines_without_content_vanish() -> None:
    volume = a_volume().build()
    bare = replace(volume, identity=replace(volume.identity, patient=Patient(), study=Study("1")))
    corners = corner_text(bare, _axial(bare), ViewFacts())
    assert corners["tl"] == ()
    assert corners["tr"] == ()
    assert all(line.strip() for lines in corners.values() for line in lines)


def test_without_patient_data_nothing_of_patient_or_visit_is_left() -> None:
    volume = _volume()
    corners = corner_text(volume, _axial(volume), ViewFacts(), CornerMode.NO_PATIENT)
    text = " ".join(line for lines in corners.values() for line in lines)
    for secret in ("Demonstration", "004711", "1961", "65 y", "Hospital", "A-118", "2026"):
        assert secret not in text
    assert corners["br"]


def test_none_says_nothing() -> None:
    volume = _volume()
    corners = corner_text(volume, _axial(volume), ViewFacts(), CornerMode.NONE)
    assert not any(corners.values())


def test_a_further_view_says_window_and_place_only() -> None:
    volume = _volume()
    corners = brief_corner_text(_axial(volume), ViewFacts(Window(40, 400), 1.8))
    assert corners["bl"] == ("W 400 L 40   ×1.8", "F 18.5 mm")
    assert not corners["tl"]


def test_texts_are_cut_at_25_on_one_line() -> None:
    assert cut("a" * 25) == "a" * 25
    assert cut("a" * 26) == "a" * 25 + "…"
    assert cut("two\nlines\t and  more") == "two lines and more"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Doe^Jane", "Doe, Jane"),
        ("Doe^Jane^Q^Dr^", "Doe, Jane Q"),
        ("Doe", "Doe"),
        ("^^^^", ""),
        ("", ""),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "Yamada, Tarou"),
        ("=山田^太郎", "山田, 太郎"),
    ],
)
def test_person_names_read_as_people_write_them(name: str, expected: str) -> None:
    assert readable_name(name) == expected


def test_dates_and_times_are_readable_and_oddities_stay() -> None:
    assert readable_date("20261120") == "2026-11-20"
    assert readable_date("2026.11.20") == "2026-11-20"
    assert readable_date("unknown") == "unknown"
    assert readable_time("091400.123") == "09:14"
    assert readable_time("") == ""


@pytest.mark.parametrize(
    ("born", "seen", "stated", "expected"),
    [
        ("19610402", "20261120", "", "65 y"),
        ("19610402", "20260401", "", "64 y"),
        ("20250920", "20261120", "", "14 m"),
        ("20261101", "20261120", "", "19 d"),
        ("20240229", "20260228", "", "23 m"),
        ("", "20261120", "065Y", "65 y"),
        ("", "", "", ""),
        ("19991399", "20261120", "", ""),
        ("20261121", "20261120", "", ""),
        ("", "", "xxxY", ""),
    ],
)
def test_the_age_is_that_at_the_study(born: str, seen: str, stated: str, expected: str) -> None:
    assert age(born, seen, stated) == expected


def test_windows_show_the_digits_that_their_width_needs() -> None:
    assert window_text(Window(-600, 1500)) == "W 1500 L −600"
    assert window_text(Window(3, 6)) == "W 6.0 L 3.0"
    assert window_text(Window(0.25, 0.5)) == "W 0.500 L 0.250"


def test_a_small_negative_number_is_not_minus_zero() -> None:
    assert number_text(-0.04, 1) == "0.0"
    assert number_text(-0.06, 1) == "−0.1"


def test_value_and_position_are_given_where_there_is_a_voxel() -> None:
    volume = _volume()
    assert value_text(volume, (1.25, 2.0, -18.5)) == "−12 HU at (1.2, 2.0, −18.5) mm"
    assert value_text(volume, (500, 0, 0)) == ""
    unread = replace(volume, loaded_k=np.zeros(6, dtype=bool))
    assert value_text(unread, (1.0, 2.0, -18.5)) == ""


def test_padding_and_what_is_no_number_are_named() -> None:
    volume = _volume()
    point = (1.25, 2.0, -18.5)
    assert value_text(volume, point).startswith("−12 HU")
    padded = replace(volume, quantity=replace(volume.quantity, padding=(-2000, 4000)))
    assert value_text(padded, point) == "padding at (1.2, 2.0, −18.5) mm"
    for value in (np.nan, np.inf):
        stored = np.full(volume.stored.shape, value, dtype=np.float32)
        assert value_text(replace(volume, stored=stored), point).startswith("no number")


def test_half_way_between_two_voxels_the_probe_reads_the_painted_one() -> None:
    """Rounding errors a billion times smaller than a voxel change nothing; the rim is outside."""
    volume = _volume()
    n_k, n_j, n_i = volume.grid.shape_kji
    stored = np.broadcast_to(np.arange(n_k, dtype=np.int16)[:, None, None], volume.stored.shape)
    layered = replace(volume, stored=np.ascontiguousarray(stored))
    for error in (-1e-9, 0.0, 1e-9):
        point = volume.grid.world((1.0, 1.0, 2.5 + error))
        assert value_text(layered, point).startswith("3 HU")
        rim = volume.grid.world((n_i - 0.5 + error, n_j - 0.5 + error, n_k - 0.5 + error))
        assert value_text(layered, rim) == ""


def test_a_stack_gives_column_and_row_instead_of_a_patient_position() -> None:
    rgb = np.zeros((1, 4, 5, 3), np.uint8)
    rgb[0, 2, 3] = (9, 8, 7)
    stack = ImageStack(
        "k",
        rgb,
        Grid.from_axes((1, 4, 5)),
        ValueMap.identity(1),
        Display(),
        an_identity(1),
        pixel_spacing=PIXELS_ONLY,
    )
    assert value_text(stack, (3.2, 1.9, 0.0)) == "RGB 9 8 7 at (3, 2) px"


@pytest.mark.parametrize(
    ("name", "point", "expected"),
    [
        ("axial", (0, 0, 14.5), "H 14.5 mm"),
        ("sagittal", (-18.0, 0, 0), "R 18.0 mm"),
        ("coronal", (0, 3.0, 0), "P 3.0 mm"),
    ],
)
def test_the_place_of_a_plane_is_named_by_the_side_it_lies_on(
    name: str, point: tuple[float, float, float], expected: str
) -> None:
    plane = fitted_plane(_volume().grid, name, SIZE, through_lps_mm=point)  # type: ignore[arg-type]
    assert location_text(plane) == expected


def test_an_oblique_plane_has_no_place_in_one_number() -> None:
    turned = np.array([np.cos(0.1), 0.0, np.sin(0.1)])
    assert location_text(Plane(np.zeros(3), turned, np.array([0, 1.0, 0]), 1.0, SIZE)) == ""
