"""Keeps the 3-D scene like the session: volume, surfaces and planes, prepared on worker threads."""

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QTimer

from viewer.actions.context import Context
from viewer.domain.segmentation import Segmentation
from viewer.domain.volume import Picture
from viewer.jobs.job import Ticket
from viewer.jobs.runner import Outcomes
from viewer.rendering.palettes import PLANE_COLOURS
from viewer.window.scene_pane import ScenePane

# What the scene is made of is imported on the threads that make it, after the first picture.
if TYPE_CHECKING:
    from viewer.rendering.prepared import PreparedVolume
    from viewer.rendering.scene import Scene

_REBUILD_MS = 120
_FEWEST = 2  # voxels along an axis: a single slice has no inside
Name = tuple[str, int]


class ThreeD:
    """Watches one context for one 3-D pane. Meshes are made again for changed segments only."""

    def __init__(self, context: Context, pane: ScenePane) -> None:
        self._context, self._pane = context, pane
        self._shown_key = ""
        self._meshes: dict[Name, tuple[int, Any]] = {}
        self._later = QTimer(pane)
        self._later.setSingleShot(True)
        self._later.setInterval(_REBUILD_MS)
        self._later.timeout.connect(self._submit_meshes)

    # --- the volume ------------------------------------------------------------------------

    def picture_changed(self) -> None:
        """Another picture is shown, or the shown one has been read."""
        picture = self._context.picture
        if (
            picture is None
            or not picture.is_volume
            or picture.is_colour
            or min(picture.grid.shape_kji) < _FEWEST
        ):
            self._clear("" if picture is None else "These images do not form a volume.")
            return
        if not picture.is_loaded:
            self._clear("reading…")
            return
        if picture.key != self._shown_key:
            self._submit_volume(picture)

    def _clear(self, message: str) -> None:
        was_shown, self._shown_key = bool(self._shown_key), ""
        self._pane.message = message
        if not was_shown:
            # To draw nothing at all would load VTK before the first picture.
            self._pane.update()
            return

        def change(scene: "Scene") -> None:
            scene.set_prepared(None)
            scene.set_segments(())
            scene.set_planes({})

        self._pane.change(change)

    def _submit_volume(self, picture: Picture) -> None:
        self._pane.message = "preparing…"
        self._shown_key = picture.key

        def done(prepared: "PreparedVolume") -> None:
            if self._shown_key != picture.key:
                return
            self._pane.message = ""

            def change(scene: "Scene") -> None:
                scene.set_prepared(prepared)
                scene.reset()

            self._pane.change(change)
            self.planes_changed()
            self._submit_meshes()

        def work(ticket: Ticket) -> "PreparedVolume":
            from viewer.rendering.prepared import prepare_volume

            return prepare_volume(picture, ticket=ticket)

        self._context.jobs.submit(
            work,
            Outcomes(done=done, failed=self._failed),
            key="3d:volume",
        )

    def _failed(self, error: Exception) -> None:
        self._pane.message = "The 3-D view could not be made."
        self._pane.update()
        self._context.tell_fault(error)

    # --- planes ----------------------------------------------------------------------------

    def planes_changed(self) -> None:
        """The live slice planes moved."""
        if not self._shown_key:
            return
        planes = {
            name: plane
            for name, plane in self._context.viewing.look.planes.items()
            if name in PLANE_COLOURS
        }
        self._pane.change(lambda scene: scene.set_planes(planes), key="planes", moving=True)

    # --- surfaces --------------------------------------------------------------------------

    def segments_changed(self) -> None:
        """Segments changed: look at once, shape a moment later (strokes come in bursts)."""
        self._show_meshes()
        self._later.start()

    def _layers(self) -> list[Segmentation]:
        key = self._shown_key
        return [s for s in self._context.session.state.segmentations if s.volume_key == key]

    def _wanted(self) -> dict[Name, tuple[int, Segmentation]]:
        return {
            (layer.uid, segment.number): (
                self._context.session.label_revision(layer.uid),
                layer,
            )
            for layer in self._layers()
            for segment in layer.segments
            if segment.visible
        }

    def _submit_meshes(self) -> None:
        missing = {
            name: wanted
            for name, wanted in self._wanted().items()
            if name not in self._meshes or self._meshes[name][0] != wanted[0]
        }
        if not missing:
            self._show_meshes()
            return

        def work(ticket: Ticket) -> dict[Name, tuple[int, Any]]:
            from viewer.rendering.meshes import surface

            made: dict[Name, tuple[int, Any]] = {}
            for (uid, number), (revision, layer) in missing.items():
                ticket.check()
                # A copy: hands may go on painting while the mesh is made.
                labels = layer.labels.copy()
                if (labels == number).any():
                    made[uid, number] = (revision, surface(labels, number, layer.grid))
            return made

        def done(made: dict[Name, tuple[int, Any]]) -> None:
            self._meshes.update(made)
            self._show_meshes()

        self._context.jobs.submit(work, Outcomes(done=done, failed=self._failed), key="3d:meshes")

    def _show_meshes(self) -> None:
        if not self._shown_key:
            return
        from viewer.rendering.surfaces import SegmentSurface

        shown = [
            SegmentSurface(
                layer.uid,
                segment.number,
                self._meshes[layer.uid, segment.number][1],
                segment.colour,
            )
            for layer in self._layers()
            for segment in layer.segments
            if segment.visible and (layer.uid, segment.number) in self._meshes
        ]
        visible = shown if self._context.viewing.look.segments_shown else []
        self._pane.change(lambda scene: scene.set_segments(visible), key="segments")

    def refresh_now(self) -> None:
        """Bring surfaces up to date without waiting for the strokes to end."""
        self._later.stop()
        if self._shown_key:
            self._submit_meshes()

    def close(self) -> None:
        """Release VTK."""
        self._later.stop()
        self._meshes.clear()
        self._pane.close_scene()
