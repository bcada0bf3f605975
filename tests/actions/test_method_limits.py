"""Methods that keep to values, regions and segments; presets, memberships, and stopping."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.actions.segment_context import a_context, layer_of, run
from viewer.actions.context import Context
from viewer.actions.method_settings import presets_of
from viewer.actions.registry import actions, perform
from viewer.errors import ViewerError
from viewer.extensions.discover import load_extensions
from viewer.imaging.method_run import MethodRun, run_method
from viewer.jobs.job import Ticket
from viewer.session.drafting import Draft, band_colour
from viewer.testing.builders import a_volume

METHODS = load_extensions(["plugins.segment"]).segmenters
EVERYTHING = {"low": -1e6, "high": 1e6}


@pytest.fixture
def context() -> Iterator[Context]:
    with a_context() as found:
        yield found


def found_with(context: Context, id_: str, /, **parameters: Any) -> NDArray[np.bool_]:
    run(context, id_, **parameters)
    draft = context.viewing.draft
    assert draft is not None
    assert draft.found is not None, draft.fault
    return draft.found.whole(context.need_picture().grid.shape_kji)


def choose_everything(context: Context) -> None:
    run(context, "method.choose", method="threshold")
    for name, value in EVERYTHING.items():
        run(context, "method.set", parameter=name, value=value)


def test_only_inside_and_never_inside_are_obeyed_and_taken_back(context: Context) -> None:
    choose_everything(context)
    layer = layer_of(context)
    one, two = layer.labels == 1, layer.labels == 2
    inside = {"uid": layer.uid, "number": 1, "only_inside": True}
    assert np.array_equal(found_with(context, "method.segments", **inside), one)
    never = {"uid": layer.uid, "number": 2, "only_inside": False}
    assert np.array_equal(found_with(context, "method.segments", **never), one)
    assert np.array_equal(found_with(context, "method.segments", **inside), ~two)
    others = {"uid": layer.uid, "number": 0}
    found_with(context, "method.segments", **never)
    assert np.array_equal(found_with(context, "method.segments", **others), ~two)
    assert found_with(context, "method.segments", uid="", number=0).all()


def test_what_kept_a_method_back_is_in_its_record(context: Context) -> None:
    choose_everything(context)
    uid = layer_of(context).uid
    run(context, "method.segments", uid=uid, number=1, only_inside=True)
    perform(context, "method.apply", mode="new")
    made = context.session.state.segmentations[-1]
    assert dict(made.origin.parameters)["segments"] == "only inside Lesion 1"
    assert context.viewing.draft is None


def test_values_and_regions_limit_what_is_found(context: Context) -> None:
    choose_everything(context)
    picture = context.need_picture()
    values = picture.quantity.block(picture.stored, 0)
    found = found_with(context, "method.within", kind="range", low=20.0, high=90.0)
    assert np.array_equal(found, (values >= 20) & (values <= 90))
    assert found_with(context, "method.within", kind="off").all()
    mask = layer_of(context).labels == 1
    boxed = found_with(context, "method.box", kind="segment", margin_mm=0.0)
    spans = [np.flatnonzero(mask.any(axis=tuple({0, 1, 2} - {a}))) for a in range(3)]
    expected = np.zeros_like(mask)
    expected[np.ix_(*(np.arange(s[0], s[-1] + 1) for s in spans))] = True
    assert np.array_equal(boxed, expected)
    wider = found_with(context, "method.box", kind="segment", margin_mm=2.5)
    assert wider.sum() > boxed.sum()
    assert (wider | boxed == wider).all()
    assert found_with(context, "method.box", kind="off").all()


@pytest.mark.parametrize(
    ("id_", "parameters", "sentence"),
    [
        ("method.within", {"kind": "range", "low": 5.0, "high": 5.0}, "range of values is empty"),
        ("method.box", {"kind": "measurement"}, "No measurement"),
        ("method.box", {"kind": "seeds"}, "no seeds"),
        ("method.preset", {"title": "SUV from 4"}, "no preset"),
        ("method.stop", {}, "ended|no steps"),
        ("method.membership", {}, "no memberships"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_changes_nothing(
    context: Context, id_: str, parameters: dict[str, Any], sentence: str
) -> None:
    choose_everything(context)
    before = context.viewing.draft
    with pytest.raises(ViewerError, match=sentence):
        perform(context, id_, **parameters)
    assert context.viewing.draft is before


def test_every_choice_of_every_limit_can_be_performed_or_says_why(context: Context) -> None:
    choose_everything(context)
    run(context, "method.seed", points_lps_mm=[context.need_picture().grid.centre_lps_mm])
    for id_ in ("method.within", "method.box", "method.segments", "method.preset"):
        choices = actions()[id_].choices
        assert choices is not None
        for choice in choices(context):
            try:
                perform(context, id_, **choice.parameters)
            except ViewerError as error:
                assert error.sentence()  # noqa: PT017 - either is right, a fault is not


def test_presets_are_those_of_the_pictures_modality(context: Context) -> None:
    run(context, "method.choose", method="threshold")
    titles = {preset.title for preset in presets_of(context)}
    assert titles == {p.title for p in METHODS["threshold"].presets if p.modality == "CT"}
    bone = next(p for p in presets_of(context) if p.title.startswith("Bone"))
    run(context, "method.preset", title=bone.title)
    draft = context.viewing.draft
    assert draft is not None
    assert dict(draft.call.parameters)["low"] == 200.0
    assert all(p.source for method in METHODS.values() for p in method.presets)


def test_a_result_of_older_settings_is_never_applied(context: Context) -> None:
    choose_everything(context)
    perform(context, "method.set", parameter="low", value=0.0)
    draft = context.viewing.draft
    assert draft is not None
    assert draft.found is None
    assert draft.layer is not None  # the shown planes follow at once


def test_the_shown_planes_are_sketched_as_the_volume_will_be(context: Context) -> None:
    run(context, "method.choose", method="threshold")
    perform(context, "method.set", parameter="low", value=60.0)
    sketch = context.viewing.draft
    assert sketch is not None
    assert sketch.layer is not None
    whole = found_with(context, "method.set", parameter="low", value=60.0)
    picture = context.need_picture()
    for plane in context.viewing.look.planes.values():
        i, j, k = np.rint(picture.grid.index(plane.centre_lps_mm)).astype(int)
        for at in (np.s_[k], np.s_[:, j], np.s_[:, :, i]):
            if np.array_equal(sketch.layer.labels[at] == 1, whole[at]):
                break
        else:
            pytest.fail("no layer of this plane was sketched")


# --- on the way ---------------------------------------------------------------------------------


def a_block(values: NDArray[np.int16]) -> Any:
    volume = a_volume(values.shape, spacing_ijk_mm=(1.0, 1.0, 1.0)).build()
    return replace(volume, stored=values)


def test_a_region_that_grows_in_blocks_is_that_of_the_whole_image() -> None:
    rng = np.random.default_rng(5)
    values = rng.integers(0, 40, (12, 150, 160)).astype(np.int16)
    values[4:8, 20:130, 20:30] = 200
    values[4:8, 120:130, 20:150] = 200
    picture = a_block(values)
    from viewer.domain.method_text import MethodCall

    x, y, z = picture.grid.world((25.0, 25.0, 6.0)).tolist()
    call = MethodCall("region_growing", (("tolerance", 60.0),), ((x, y, z),))
    parts: list[MethodRun] = []

    def watch(part: MethodRun) -> bool:
        parts.append(part)
        return True

    found = run_method(picture, call, METHODS, Ticket(), watch=watch)
    assert np.array_equal(found.whole(values.shape), values == 200)
    assert parts
    assert all((p.whole(values.shape) <= (values == 200)).all() for p in parts)
    assert parts[0].mask.size < values.size / 2
    open_end = replace(picture, stored=np.where(values == 200, 200, values).astype(np.int16))
    open_end.stored[4:8, 120:130, 150:] = 200
    notes = run_method(open_end, call, METHODS, Ticket()).notes
    assert any("edge of the image" in note for note in notes)


@pytest.mark.parametrize("key", ["chan_vese", "geodesic_contour", "level_set"])
def test_a_deformable_method_shows_its_steps_and_stops_when_asked(key: str) -> None:
    _k, j, i = np.indices((3, 60, 60))
    values = np.where((j - 30) ** 2 + (i - 30) ** 2 < 22**2, 300, 0).astype(np.int16)
    picture = a_block(values + np.random.default_rng(1).integers(0, 40, values.shape, np.int16))
    start = (j - 30) ** 2 + (i - 30) ** 2 < 8**2
    from viewer.domain.method_text import MethodCall

    call = MethodCall(key, (("rounds", 200),), slice_k=1)
    seen: list[int] = []

    def twice(part: MethodRun) -> bool:
        seen.append(int(part.mask.sum()))
        return len(seen) < 2

    stopped = run_method(picture, call, METHODS, Ticket(), current=start, watch=twice)
    assert len(seen) == 2
    assert int(stopped.mask.sum()) == seen[-1]


def test_memberships_are_shown_in_bands_that_part_at_the_bound() -> None:
    from viewer.domain.method_text import MethodCall

    picture = a_block(np.repeat(np.arange(10, dtype=np.int16), 24).reshape(2, 12, 10) * 100)
    member = np.linspace(0, 1, 240, dtype=np.float32).reshape(2, 12, 10)
    draft = Draft(MethodCall("fuzzy_cmeans", (("at_least", 0.5),)), picture.key)
    shown = draft.shown(MethodRun((0, 0, 0), member >= 0.5, member, ()), picture)
    assert shown.layer is not None
    labels = shown.layer.labels
    assert set(np.unique(labels[member >= 0.5])) == {6, 7, 8, 9, 10}
    assert not labels[member < 0.01].any()
    assert (np.diff(labels.reshape(-1).astype(int)) >= 0).all()
    assert band_colour(4, 0.5)[2] > band_colour(4, 0.5)[0]  # cold is blue
    assert band_colour(5, 0.5)[0] > band_colour(5, 0.5)[2]  # warm is not
    plain = replace(draft, membership_shown=False)
    only = plain.shown(MethodRun((0, 0, 0), member >= 0.5, member, ()), picture).layer
    assert only is not None
    assert np.array_equal(only.labels == 1, member >= 0.5)


def test_a_method_that_is_local_says_so_and_needs_seeds() -> None:
    local = [method for method in METHODS.values() if method.is_local]
    assert local
    assert all("seeds" in method.needs for method in local)


def test_a_sketch_leaves_nothing_of_the_one_before() -> None:
    from viewer.domain.method_text import MethodCall

    picture = a_block(np.zeros((4, 10, 12), dtype=np.int16))
    draft = Draft(MethodCall("threshold"), picture.key)
    first = MethodRun((1, 0, 0), np.ones((1, 10, 12), dtype=bool), None, ())
    second = MethodRun((0, 3, 0), np.ones((4, 1, 12), dtype=bool), None, ())
    draft.sketched((first,), picture)
    shown = draft.sketched((second,), picture).layer
    assert shown is not None
    expected = np.zeros((4, 10, 12), dtype=bool)
    expected[:, 3] = True
    assert np.array_equal(shown.labels == 1, expected)
