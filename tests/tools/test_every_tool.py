"""What all tools have in common."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tools.hands import OBLIQUE, STRAIGHT, a_scene, acquired, at, with_measurement
from viewer.domain.segmentation import OriginKind
from viewer.errors import Conflict, ViewerError
from viewer.session.edits import Edit, Group
from viewer.tools.base import REST, Tool, ToolScene
from viewer.tools.pointer import PointerEvent, PointerKind
from viewer.tools.table import TOOLS, make_tool

PLANE = acquired(STRAIGHT)
KINDS: tuple[PointerKind, ...] = ("press", "move", "release", "double")
Events = st.lists(
    st.builds(
        lambda kind, x, y, other, alt: at(
            kind,
            (float(x), float(y)),
            PLANE.moved(2.0) if other else PLANE,
            *(["alt"] if alt else []),
        ),
        st.sampled_from(KINDS),
        st.integers(60, 140),
        st.integers(50, 110),
        st.integers(0, 9).map(lambda n: n == 0),
        st.integers(0, 5).map(lambda n: n == 0),
    ),
    max_size=14,
)


def a_full_scene() -> ToolScene:
    scene = a_scene()
    scene = with_measurement(scene, "distance", PLANE, [(80, 60), (120, 100)])
    scene = with_measurement(scene, "ellipse", PLANE, [(100, 80), (120, 80), (100, 90)])
    scene = replace(scene, revision=0)
    axes = [(70.0, 70.0), (130.0, 70.0), (100.0, 60.0), (100.0, 85.0)]
    return with_measurement(scene, "bidirectional", PLANE, axes)


SCENE = a_full_scene()


@pytest.mark.parametrize("key", TOOLS)
@settings(max_examples=15)
@given(events=Events, hovered=st.booleans())
def test_esc_from_anywhere_leaves_no_trace(
    key: str, events: list[PointerEvent], hovered: bool
) -> None:
    tool = make_tool(key)
    assert tool is not None
    assert SCENE.segmentation is not None
    labels = SCENE.segmentation.labels.copy()
    for event in events:
        try:
            tool.handle(event, SCENE)
        except ViewerError:
            assert not tool.is_busy
    if hovered:
        tool.hover(at("move", (100, 80), PLANE), SCENE)
    tool.cancel()
    assert not tool.is_busy
    late = at("release", (30, 30), PLANE)
    after, fresh = tool.handle(late, SCENE), _new(key).handle(late, SCENE)
    assert after.edit is None
    # The contour keeps corners that a finished gesture moved: that is tested where it belongs.
    assert key == "contour" or len(after.preview) == len(fresh.preview)
    assert np.array_equal(SCENE.segmentation.labels, labels)


@pytest.mark.parametrize("key", TOOLS)
@settings(max_examples=15)
@given(events=Events)
def test_a_tool_changes_nothing_by_itself_and_makes_edits_that_fit(
    key: str, events: list[PointerEvent]
) -> None:
    tool = _new(key)
    for event in events:
        try:
            response = tool.handle(event, SCENE)
        except ViewerError:
            continue
        if response.edit is not None:
            assert not tool.is_busy
            assert not isinstance(response.edit, Group)
            _check_applies(response.edit)


def _check_applies(edit: Edit) -> None:
    from viewer.session.edits import AddMeasurement, AddSegmentation
    from viewer.session.session import Session

    session = Session()
    assert SCENE.segmentation is not None
    session.apply(AddSegmentation.of(SCENE.segmentation))
    for measurement in SCENE.measurements:
        session.apply(AddMeasurement(measurement))
    session.apply(edit)
    assert session.undo_name


def _new(key: str) -> Tool:
    tool = make_tool(key)
    assert tool is not None
    return tool


@pytest.mark.parametrize("key", TOOLS)
def test_a_tool_has_a_key_and_a_title(key: str) -> None:
    assert _new(key).key == key
    assert _new(key).title
    assert not _new(key).is_busy


def test_what_is_no_drawing_tool_is_none() -> None:
    assert make_tool("window") is None


@pytest.mark.parametrize("key", TOOLS)
@pytest.mark.parametrize("button", ["middle", "right"])
def test_other_buttons_belong_to_the_window(key: str, button: str) -> None:
    tool = _new(key)
    for kind in KINDS:
        event = PointerEvent(kind, 100, 80, PLANE, button)  # type: ignore[arg-type]
        assert tool.handle(event, SCENE) == REST
    assert not tool.is_busy


PAINTING: dict[str, Callable[[Tool, ToolScene], object]] = {
    key: lambda tool, scene: tool.handle(at("press", (100, 80), PLANE), scene)
    for key in (
        "brush",
        "eraser",
        "polygon",
        "contour",
        "freehand",
        "nudge",
        "redraw",
        "livewire",
        "scissors",
    )
}


@pytest.mark.parametrize("key", PAINTING)
def test_a_networks_result_is_refused_at_the_first_touch(key: str) -> None:
    scene = a_scene(kind=OriginKind.NETWORK)
    tool = _new(key)
    with pytest.raises(Conflict, match="copy"):
        PAINTING[key](tool, scene)
    assert not tool.is_busy


@pytest.mark.parametrize("key", PAINTING)
def test_painting_without_a_segment_says_what_to_do(key: str) -> None:
    tool = _new(key)
    with pytest.raises(ViewerError, match="segment"):
        PAINTING[key](tool, ToolScene(STRAIGHT))
    assert not tool.is_busy


@pytest.mark.parametrize("key", TOOLS)
def test_hovering_needs_nothing(key: str) -> None:
    response = _new(key).hover(at("move", (100, 80), acquired(OBLIQUE)), ToolScene(OBLIQUE))
    assert response.edit is None
