"""The 3-D view: volume, segment surfaces and live slice planes, drawn off-screen by VTK."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viewer.domain.geometry import Floats, Plane
from viewer.domain.volume import Picture
from viewer.errors import InputRefused
from viewer.jobs.job import Ticket
from viewer.rendering.camera import Camera, ViewName, aim
from viewer.rendering.cutting import HalfSpace, beyond, box_half_spaces
from viewer.rendering.offscreen import open_window, read_rgba, renderer_name
from viewer.rendering.orientation_cube import OrientationCube
from viewer.rendering.palettes import GROUND, OTHER_PLANE, PLANE_COLOURS
from viewer.rendering.prepared import PreparedVolume, prepare_volume
from viewer.rendering.primitives import Rgb
from viewer.rendering.raycast import first_opaque, is_clear_until, opacity_along
from viewer.rendering.slice_planes import PlaneProps
from viewer.rendering.surfaces import SegmentSurface, SurfaceProps
from viewer.rendering.transfer import Transfer, transfers
from viewer.rendering.volume_mapper import Quality, VolumeProp, is_software, voxel_budget

_EMPTY_BOX_MM = np.array([[-100.0, -100.0, -100.0], [100.0, 100.0, 100.0]])


class Scene:
    """What the 3-D pane shows, and its camera.

    Any thread may call it; a lock lets in one at a time, and between calls no thread holds the
    OpenGL context. VTK lets other Python threads run while it draws, so a job may draw the full
    picture while the window's thread moves the camera: it cancels the job and draws a coarse one.
    Heavy work happens before, in ``prepare_volume`` and ``meshes.surface``. Pixels are those of
    ``Plane``: x right, y down, integers are pixel centres; positions are LPS millimetres.

    Raises
    ------
    Unsupported
        This machine offers no OpenGL.
    """

    def __init__(self, size_px: tuple[int, int] = (512, 512)) -> None:
        from vtkmodules.vtkCommonCore import vtkUnsignedCharArray
        from vtkmodules.vtkRenderingCore import vtkRenderer

        self._lock = threading.RLock()
        self._ticket = Ticket()
        self._window = open_window(size_px)
        self._window.AddObserver("AbortCheckEvent", self._stop_if_cancelled)
        self._software = is_software(renderer_name(self._window))
        self._buffer = vtkUnsignedCharArray()
        self._renderer = vtkRenderer()
        self._renderer.SetBackground(*(c / 255 for c in GROUND))
        self._cube = OrientationCube()
        self._window.SetNumberOfLayers(2)
        self._window.AddRenderer(self._renderer)
        self._window.AddRenderer(self._cube.renderer)
        self._surfaces = SurfaceProps(self._renderer)
        self._planes = PlaneProps(self._renderer)
        self._volume: VolumeProp | None = None
        self._prepared: PreparedVolume | None = None
        self._transfer: Transfer | None = None
        self._kept: tuple[HalfSpace, ...] = ()
        self._camera = Camera.facing(_EMPTY_BOX_MM, "anterior", size_px)
        self._is_untouched = True
        self._is_closed = False
        self._window.ReleaseCurrent()

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Hold the scene alone, and let go of the OpenGL context at the end."""
        with self._lock:
            try:
                yield
            finally:
                if not self._is_closed:
                    self._window.ReleaseCurrent()

    @property
    def is_software(self) -> bool:
        """Whether OpenGL is computed by the processor here."""
        return self._software

    @property
    def max_voxels(self) -> int:
        """How many voxels ``prepare_volume`` should leave for this machine."""
        return voxel_budget(software=self._software)

    @property
    def plane(self) -> Plane:
        """The camera as a plane: letters, scale and positions on the screen are read off it."""
        return self._camera.plane

    @property
    def transfers(self) -> tuple[Transfer, ...]:
        """The presets for the volume shown, () without one."""
        return transfers(self._prepared) if self._prepared is not None else ()

    @property
    def transfer(self) -> Transfer | None:
        """The preset in use."""
        return self._transfer

    def set_transfer(self, key: str) -> None:
        """See the volume through the preset ``key``.

        Raises
        ------
        InputRefused
            The volume shown has no such preset.
        """
        chosen = next((t for t in self.transfers if t.key == key), None)
        if chosen is None or self._volume is None:
            raise InputRefused(f"There is no 3-D preset {key!r} for what is shown.")
        with self._held():
            self._transfer = chosen
            self._volume.set_transfer(chosen)

    def set_prepared(self, prepared: PreparedVolume | None) -> None:
        """Show this volume instead of the one before; None shows none.

        The camera stays if it was moved and the volume is the same one, read further.
        """
        with self._held():
            before, chosen = self._prepared, self._transfer
            if self._volume is not None:
                self._renderer.RemoveVolume(self._volume.prop)
            self._volume, self._prepared, self._transfer = None, prepared, None
            self._planes.set_box(None if prepared is None else prepared.grid.corners_lps_mm)
            if prepared is not None:
                self._volume = VolumeProp(prepared, software=self._software)
                keys = [t.key for t in self.transfers]
                self.set_transfer(chosen.key if chosen and chosen.key in keys else keys[0])
                self._volume.set_kept(self._kept)
                self._renderer.AddVolume(self._volume.prop)
            same = before is not None and prepared is not None and before.key == prepared.key
            if self._is_untouched or not same:
                self.reset()

    def set_volume(self, picture: Picture) -> None:
        """Prepare ``picture`` here and now, and show it (seconds for a large one)."""
        self.set_prepared(prepare_volume(picture, self.max_voxels))

    def set_segments(self, segments: Sequence[SegmentSurface]) -> None:
        """Show exactly these surfaces."""
        with self._held():
            self._surfaces.set_segments(segments)
        if self._prepared is None and self._is_untouched:
            self.reset()

    def set_planes(
        self, planes: Mapping[str, Plane], colours: Mapping[str, Rgb] | None = None
    ) -> None:
        """Outline the planes of the other panes where they cut the volume."""
        chosen = {name: PLANE_COLOURS.get(name, OTHER_PLANE) for name in planes}
        with self._held():
            self._planes.set_planes(planes, chosen | dict(colours or {}))

    def set_plane_texture(self, name: str, rgb32: NDArray[np.uint32] | None, plane: Plane) -> None:
        """Lay a pane's picture, 0xffRRGGBB (h, w) on ``plane``, into the scene; None removes it."""
        with self._held():
            self._planes.set_picture(name, rgb32, plane)

    def set_crop(self, box_lps_mm: tuple[ArrayLike, ArrayLike] | None) -> None:
        """Show only the part of the volume between two corners; surfaces and planes stay whole."""
        self._keep(() if box_lps_mm is None else box_half_spaces(*box_lps_mm))

    def set_cut(self, plane: Plane | None) -> None:
        """Cut away the part of the volume that lies before ``plane`` as its reader sees it."""
        self._keep(() if plane is None else (beyond(plane),))

    def _keep(self, kept: tuple[HalfSpace, ...]) -> None:
        with self._held():
            self._kept = kept
            if self._volume is not None:
                self._volume.set_kept(kept)

    def _box_lps_mm(self) -> Floats:
        """Return the corners (n, 3) of what there is to see."""
        if self._prepared is not None:
            return self._prepared.grid.corners_lps_mm
        bounds = self._surfaces.bounds_lps_mm()
        return _EMPTY_BOX_MM if bounds is None else np.array(bounds)

    def reset(self) -> None:
        """Look from the front, head up: the patient's right is on the left of the screen."""
        self.view("anterior")
        self._is_untouched = True

    def view(self, name: ViewName) -> None:
        """Look from one side, with everything in sight."""
        self._camera = Camera.facing(self._box_lps_mm(), name, self.plane.size_px)
        self._is_untouched = False

    def rotate(self, dx_px: float, dy_px: float) -> None:
        """Turn about the middle by a drag; the near side follows the pointer."""
        self._move(self._camera.turned(dx_px, dy_px))

    def zoom(self, factor: float) -> None:
        """Magnify by ``factor`` about the middle of the pane."""
        self._move(self._camera.zoomed(factor))

    def pan(self, dx_px: float, dy_px: float) -> None:
        """Shift the picture by a drag."""
        self._move(self._camera.panned(dx_px, dy_px))

    def _move(self, camera: Camera) -> None:
        self._camera = camera
        self._is_untouched = False

    def resize(self, size_px: tuple[int, int]) -> None:
        """Draw pictures of ``size_px`` (width, height) from now on."""
        self._camera = self._camera.resized((max(1, size_px[0]), max(1, size_px[1])))

    def project(self, point_lps_mm: ArrayLike) -> tuple[float, float]:
        """Return the pixel (x, y) at which a patient point is seen."""
        x, y, _ = self.plane.pixel(point_lps_mm)
        return float(x), float(y)

    def pick(self, xy_px: tuple[float, float]) -> Floats | None:
        """Return the patient point (3,) that is seen at a pixel, None over the background.

        A segment's surface wins where the volume before it lets most of the light through;
        otherwise it is the point where the volume stops a third of the light.
        """
        ray = point, direction = self._camera.ray(xy_px)
        reach = 2.0 * float(np.linalg.norm(self._box_lps_mm() - point, axis=1).max()) + 1.0
        with self._held():
            hit = self._surfaces.first_hit(point - reach * direction, point + reach * direction)
            prepared, transfer, kept = self._prepared, self._transfer, self._kept
        if prepared is None or transfer is None:
            return hit
        distances, stopped = opacity_along(prepared, transfer, ray, kept)
        if hit is not None and is_clear_until(float((hit - point) @ direction), distances, stopped):
            return hit
        solid = first_opaque(distances, stopped)
        return None if solid is None else point + solid * direction

    def render(self, quality: Quality = "full", ticket: Ticket | None = None) -> NDArray[np.uint8]:
        """Return the picture (h, w, 4), RGBA, top row first, opaque.

        "coarse" is for a moving camera (every second ray and sample), "full" for one at rest.

        Raises
        ------
        Cancelled
            ``ticket`` was cancelled meanwhile; drawing stops at the next row.
        """
        with self._held():
            if self._is_closed:
                raise InputRefused("The 3-D view is closed.")
            self._ticket = ticket = ticket or Ticket()
            ticket.check()
            ticket.when_cancelled(partial(self._stop, ticket))
            plane = self.plane
            if self._volume is not None:
                self._volume.set_quality(quality, plane.size_px)
            self._aim(plane)
            self._window.Render()
            ticket.check()
            return read_rgba(self._window, self._buffer)

    def _stop(self, ticket: Ticket) -> None:
        """Make VTK leave off, unless it draws for another by now."""
        if ticket is self._ticket:
            self._window.SetAbortRender(1)

    def _stop_if_cancelled(self, *_: object) -> None:
        """Called by VTK five times a second: it forgets requests made before it starts."""
        if self._ticket.is_cancelled:
            self._window.SetAbortRender(1)

    def _aim(self, plane: Plane) -> None:
        """Let VTK's cameras look at ``plane``."""
        corners = self._box_lps_mm()
        reach_mm = float(np.linalg.norm(corners - plane.centre_lps_mm, axis=1).max())
        aim(self._renderer.GetActiveCamera(), plane, 4.0 * reach_mm + 1.0)
        self._window.SetSize(*plane.size_px)
        self._renderer.ResetCameraClippingRange()
        self._cube.turn(plane)

    def close(self) -> None:
        """Stop drawing and give back what OpenGL holds; nothing is drawn afterwards."""
        self._ticket.cancel()
        with self._lock:
            if not self._is_closed:
                self._is_closed = True
                self._window.RemoveAllObservers()
                self._window.Finalize()
