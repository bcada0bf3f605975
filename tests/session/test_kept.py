"""What a pane keeps from its last frame is never shown when it would be drawn otherwise by now."""

import gc
import weakref
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from viewer.domain.volume import Volume, Window
from viewer.imaging.rasterise import Block
from viewer.session.edits import AddSegmentation, ReplaceSegment, paint
from viewer.session.kept import Kept
from viewer.session.presentation import Presenter
from viewer.session.session import Session
from viewer.session.viewing import Viewing
from viewer.testing.builders import a_segmentation, a_volume

_PANES = ("axial", "coronal", "sagittal")
_BALL = np.ones((3, 3, 3), dtype=bool)


def test_the_same_things_are_made_once_and_other_ones_again() -> None:
    kept, made = Kept(), count(1)
    thing, other = [1], [1]

    def get(*things: object, value: int = 0) -> int:
        return kept.get("a", things, (value,), lambda: next(made))

    assert [get(thing), get(thing), get(other), get(other, value=1), get(other)] == [1, 1, 2, 3, 4]


def test_what_nobody_asks_for_is_let_go() -> None:
    kept = Kept()
    held = np.zeros(9)
    gone = weakref.ref(held)
    kept.get("a", (held,), (), lambda: 1)
    del held
    kept.sweep()
    assert gone() is not None
    kept.sweep()
    gc.collect()
    assert gone() is None


@dataclass
class _Scene:
    """One session that is looked at."""

    session: Session
    viewing: Viewing
    picture: Volume

    def paint(self, n: int) -> None:
        layer = self.session.state.segmentations[0]
        edit = paint(layer, Block((n % 6, n % 9, n % 8), _BALL), 1, name="paint")
        if edit is not None:
            self.session.apply(edit)

    def undo(self, _n: int) -> None:
        if len(self.session.history) > 1:
            self.session.undo()

    def redo(self, _n: int) -> None:
        if self.session.can_redo:
            self.session.redo()

    def change(self, n: int) -> None:
        layer = self.session.state.segmentations[0]
        changed = replace(layer.segments[0], visible=n % 3 > 0, opacity=0.1 + n % 9 / 10)
        self.session.apply(ReplaceSegment(layer.uid, changed, "change"))

    def window(self, n: int) -> None:
        self.viewing.set_window(self.picture, Window(n % 50 - 20, 100 + n % 40))

    def invert(self, _n: int) -> None:
        self.viewing.toggle_inverted(self.picture)

    def layers(self, n: int) -> None:
        self.viewing.set(segments_shown=n % 2 > 0)

    def resize(self, n: int) -> None:
        self.viewing.resize_pane("axial", (40 + n % 30, 40))

    def cross(self, n: int) -> None:
        self.viewing.cross(self.picture, self.picture.grid.world((n % 7, 4, 3)))

    def go(self, n: int) -> None:
        self.viewing.go_to(self.picture, self.picture.grid.world((4, n % 9, n % 8)))

    def read(self, n: int) -> None:
        self.picture.loaded_k[n % 8] = True


_ACTS = st.sampled_from(
    [
        _Scene.paint,
        _Scene.undo,
        _Scene.redo,
        _Scene.change,
        _Scene.window,
        _Scene.invert,
        _Scene.layers,
        _Scene.resize,
        _Scene.cross,
        _Scene.go,
        _Scene.read,
    ]
)


@given(st.lists(st.tuples(_ACTS, st.integers(0, 100)), max_size=12))
def test_every_frame_is_the_one_that_would_be_drawn_anew(
    acts: list[tuple[Callable[[_Scene, int], None], int]],
) -> None:
    rng = np.random.default_rng(5)
    shape = (8, 11, 10)
    picture = (
        a_volume(shape).with_values(rng.integers(-99, 99, shape)).build(loaded_k=np.arange(8) < 5)
    )
    session, viewing = Session(), Viewing()
    viewing.show(picture)
    session.apply(AddSegmentation.of(a_segmentation(picture, rng.random(shape) > 0.7)))
    presenter = Presenter(session, viewing, {})
    for act, n in [(_Scene.go, 3), *acts]:
        act(_Scene(session, viewing, picture), n)
        for pane in _PANES:
            found = presenter.present(picture, pane)
            anew = Presenter(session, viewing, {}).present(picture, pane)
            assert np.array_equal(found.raster.rgb32, anew.raster.rgb32)
            assert np.array_equal(found.raster.to_plane, anew.raster.to_plane)
            assert found.primitives == anew.primitives
