"""Windows, zoom, planes, layout: where one looks. None of it is undone."""

from collections.abc import Sequence

from viewer.actions.context import Context, has_picture, has_volume
from viewer.actions.registry import Choice, action
from viewer.domain.volume import Volume, Window
from viewer.errors import InputRefused
from viewer.imaging.value_chain import PRESETS, full_window, percentile_window
from viewer.jobs.job import Ticket
from viewer.jobs.runner import Outcomes
from viewer.rendering.corners import CornerMode
from viewer.session.strip import findings_text
from viewer.session.viewing import PLANES


def _presets(context: Context) -> Sequence[Choice]:
    return [
        Choice(
            f"{window.name} {window.width:g}/{window.center:g}",
            {"preset": number},
            (str(number),),
        )
        for number, window in PRESETS.items()
    ]


def _not_ct(context: Context) -> str:
    picture = context.picture
    if picture is None:
        return "No study is open."
    return "" if picture.quantity.unit == "[hnsf'U]" else "These windows are for CT (HU)."


@action("view.window_preset", "Window", group="View", choices=_presets, enabled=_not_ct)
def window_preset(context: Context, *, preset: int) -> None:
    """Show the picture with a CT window of the table (width/centre, HU)."""
    context.viewing.set_window(context.need_picture(), PRESETS[preset])


@action("view.window", "Set the window", group="View", enabled=has_picture)
def set_window(context: Context, *, center: float, width: float) -> None:
    """Show values from centre - width/2 (black) to centre + width/2 (white)."""
    context.viewing.set_window(context.need_picture(), Window(center, width))


@action(
    "view.window_file", "Next window of the file", group="View", keys=("0",), enabled=has_picture
)
def window_of_file(context: Context) -> None:
    """Show the picture with the next window that its file asks for."""
    picture = context.need_picture()
    windows = picture.display.windows
    if not windows:
        window_percentile(context)
        return
    now = context.viewing.window(picture)
    at = windows.index(now) + 1 if now in windows else 0
    context.viewing.set_window(picture, windows[at % len(windows)])


@action(
    "view.window_full", "Window: full range", group="View", keys=("Shift+0",), enabled=has_picture
)
def window_full(context: Context) -> None:
    """Show the picture from its lowest to its highest value."""
    picture = context.need_picture()
    context.viewing.set_window(picture, full_window(picture))


@action(
    "view.window_percentile", "Window: 1-99 %", group="View", keys=("Ctrl+0",), enabled=has_picture
)
def window_percentile(context: Context) -> None:
    """Show the middle 98 % of the picture's values."""
    picture = context.need_picture()
    context.viewing.set_window(picture, percentile_window(picture))


@action("view.invert", "Invert", group="View", keys=("I",), enabled=has_picture)
def invert(context: Context) -> None:
    """Swap black and white."""
    context.viewing.toggle_inverted(context.need_picture())


@action("view.reset", "Reset the view", group="View", keys=("Space",), enabled=has_picture)
def reset(context: Context) -> None:
    """Fit the picture, and take the window that its file asks for."""
    context.viewing.reset(context.need_picture())


def _scroll(context: Context, notches: int) -> None:
    pane = context.viewing.look.active_pane
    if pane in context.viewing.look.planes:
        context.viewing.scroll(context.need_picture(), pane, notches)


@action("view.next_image", "Next image", group="View", keys=("Down",), enabled=has_picture)
def next_image(context: Context) -> None:
    """Go to the next image of the active pane."""
    _scroll(context, 1)


@action("view.previous_image", "Previous image", group="View", keys=("Up",), enabled=has_picture)
def previous_image(context: Context) -> None:
    """Go to the previous image of the active pane."""
    _scroll(context, -1)


@action("view.scroll", "Scroll", group="View", enabled=has_picture)
def scroll(context: Context, *, notches: int, pane: str = "") -> None:
    """Go some images further in a pane (default: the active one)."""
    name = pane or context.viewing.look.active_pane
    context.viewing.scroll(context.need_picture(), name, notches)


def _to_end(context: Context, fraction: float) -> None:
    pane = context.viewing.look.active_pane
    if pane in context.viewing.look.planes:
        context.viewing.scroll_to(context.need_picture(), pane, fraction)


@action("view.first_image", "First image", group="View", keys=("Home",), enabled=has_picture)
def first_image(context: Context) -> None:
    """Go to the first image of the active pane."""
    _to_end(context, 0.0)


@action("view.last_image", "Last image", group="View", keys=("End",), enabled=has_picture)
def last_image(context: Context) -> None:
    """Go to the last image of the active pane."""
    _to_end(context, 1.0)


@action("view.go_to", "Go to a point", group="View", enabled=has_picture)
def go_to(context: Context, *, point_lps_mm: tuple[float, float, float]) -> None:
    """Put the cross-hair on a patient position; all panes follow."""
    context.viewing.cross(context.need_picture(), point_lps_mm)


@action("view.crosshair", "Cross-hair on or off", group="View", keys=("X",), enabled=has_volume)
def crosshair(context: Context) -> None:
    """Show or hide the linked cross-hair."""
    context.viewing.set(crosshair_shown=not context.viewing.look.crosshair_shown)


@action("view.texts", "Texts: full, no patient, none", group="View", keys=("T",))
def texts(context: Context) -> None:
    """Cycle the corner texts: all, without the patient's data, none."""
    modes = tuple(CornerMode)
    at = modes.index(context.viewing.look.corners) + 1
    context.viewing.set(corners=modes[at % len(modes)])


@action("view.segments", "Segments on or off", group="View", keys=("G",))
def segments(context: Context) -> None:
    """Show or hide all masks."""
    context.viewing.set(segments_shown=not context.viewing.look.segments_shown)


def _has_overlays(context: Context) -> str:
    picture = context.picture
    found = picture is not None and bool(picture.display.overlays_k)
    return "" if found else "The shown images carry no overlays."


@action(
    "view.overlays", "Overlays of the file", group="View", keys=("Shift+G",), enabled=_has_overlays
)
def overlays(context: Context) -> None:
    """Show or hide the bitmaps that the file lays over its images."""
    context.viewing.set(overlays_shown=not context.viewing.look.overlays_shown)


def _has_shutter(context: Context) -> str:
    picture = context.picture
    found = picture is not None and any(picture.display.shutters_k)
    return "" if found else "The shown images carry no shutter."


@action(
    "view.shutter", "Shutter of the file", group="View", keys=("Shift+H",), enabled=_has_shutter
)
def shutter(context: Context) -> None:
    """Hide what the file's shutter hides, or show the whole image; a mark says which."""
    context.viewing.set(shutter_shown=not context.viewing.look.shutter_shown)


def _can_resample(context: Context) -> str:
    picture = context.picture
    if picture is None:
        return "No study is open."
    source = context.pictures.sources.get(picture.key)
    if source is None or source.places is None:
        return "Only parallel slices at uneven distances are resampled."
    return "" if picture.is_loaded else "The images are still being read."


@action(
    "view.resample",
    "Other planes of uneven slices (resampled)",
    group="View",
    keys=("Ctrl+R",),
    enabled=_can_resample,
)
def resample(context: Context) -> None:
    """Make a volume of slices that lie at uneven distances, by their positions; it says so."""
    picture = context.need_picture()
    places = context.pictures.sources[picture.key].places

    def work(ticket: Ticket) -> Volume:
        from viewer.imaging.even import evenly_spaced

        if places is None:
            raise InputRefused("These images lie at no known places.")
        return evenly_spaced(picture, places, ticket.check)

    def done(volume: Volume) -> None:
        from viewer.actions.file import show

        context.pictures.take_in(picture.key, volume)
        show(context, key=volume.key)

    context.jobs.submit(
        work,
        Outcomes(done=done, failed=context.tell_fault),
        key="resample",
        title="Resampling",
    )


def _no_findings(context: Context) -> str:
    picture = context.picture
    if picture is None:
        return "No study is open."
    return "" if picture.findings else "Nothing was found amiss with this series."


@action(
    "view.findings",
    "What was found about this series",
    group="View",
    keys=("Ctrl+I",),
    enabled=_no_findings,
)
def findings(context: Context) -> None:
    """List what is amiss with the shown series, with the images and files that it is about."""
    picture = context.need_picture()
    context.door.show_text("What was found about this series", findings_text(picture))


@action("view.history", "History on or off", group="View", keys=("Ctrl+H",))
def history(context: Context) -> None:
    """List every step that can be undone or done again; a click goes there."""
    context.viewing.set(history_shown=not context.viewing.look.history_shown)


@action("view.panels", "Panels on or off", group="View", keys=("F9",))
def panels(context: Context) -> None:
    """Fold the panels away, or bring them back."""
    context.viewing.set(panels_shown=not context.viewing.look.panels_shown)


@action(
    "view.enlarge",
    "Enlarge the active pane",
    group="View",
    keys=("F", "Return"),
    enabled=has_volume,
)
def enlarge(context: Context, *, pane: str = "") -> None:
    """Show one pane alone, or all four again (double-click does the same)."""
    look = context.viewing.look
    name = pane or look.active_pane
    context.viewing.set(enlarged="" if look.enlarged == name else name, active_pane=name)


@action("view.next_pane", "Next pane", group="View", keys=("Right",), enabled=has_volume)
def next_pane(context: Context) -> None:
    """Make the next pane the active one."""
    _step_pane(context, 1)


@action("view.previous_pane", "Previous pane", group="View", keys=("Left",), enabled=has_volume)
def previous_pane(context: Context) -> None:
    """Make the previous pane the active one."""
    _step_pane(context, -1)


def _step_pane(context: Context, step: int) -> None:
    order = (*PLANES, "3d")
    look = context.viewing.look
    at = order.index(look.active_pane) if look.active_pane in order else 0
    name = order[(at + step) % len(order)]
    context.viewing.set(active_pane=name, enlarged=name if look.enlarged else "")


def _zoom(context: Context, factor: float) -> None:
    pane = context.viewing.look.active_pane
    if pane in context.viewing.look.planes:
        context.viewing.zoom(pane, factor)


@action("view.zoom_in", "Zoom in", group="View", keys=("Ctrl++", "Ctrl+="), enabled=has_picture)
def zoom_in(context: Context) -> None:
    """Magnify the active pane by a quarter."""
    _zoom(context, 1.25)


@action("view.zoom_out", "Zoom out", group="View", keys=("Ctrl+-",), enabled=has_picture)
def zoom_out(context: Context) -> None:
    """Shrink the active pane by a fifth."""
    _zoom(context, 0.8)


_TOOLS = (
    ("window", "Window", "W"),
    ("crosshair", "Cross-hair", "P"),
    ("distance", "Distance", "D"),
    ("bidirectional", "Bidirectional", "M"),
    ("polyline", "Polyline", "L"),
    ("angle", "Angle", "A"),
    ("cobb", "Cobb angle", "Shift+A"),
    ("cardiothoracic_ratio", "Cardiothoracic ratio", "Shift+T"),
    ("ellipse", "Ellipse", "E"),
    ("rectangle", "Rectangle", "Y"),
    ("region", "Polygon to measure", "Shift+Y"),
    ("free_region", "Free-hand region", "Shift+O"),
    ("wire_region", "Live-wire region", "Shift+W"),
    ("probe", "Probe", "K"),
    ("wall_to_wall", "Wall to wall", "Shift+I"),
    ("calcium_score", "Calcium score", "Shift+N"),
    ("arrow", "Arrow", "Alt+A"),
    ("note", "Note", "Alt+T"),
    ("suv_peak", "SUVpeak", "Shift+P"),
    ("brush", "Brush", "B"),
    ("eraser", "Eraser", "Shift+B"),
    ("polygon", "Polygon", "C"),
    ("contour", "Edit contour", "Shift+C"),
    ("livewire", "Live wire to fill", "Alt+W"),
    ("freehand", "Free-hand", "U"),
    ("nudge", "Nudge the edge", "Shift+U"),
    ("redraw", "Redraw the edge", "Alt+C"),
    ("scissors", "Scissors", "Shift+X"),
)


def _tools(context: Context) -> Sequence[Choice]:
    return [
        Choice(title, {"tool": key}, (keys,), context.viewing.look.tool == key)
        for key, title, keys in _TOOLS
    ]


@action("tool.choose", "Tool", group="Tools", choices=_tools)
def choose_tool(context: Context, *, tool: str) -> None:
    """Take a tool into the left mouse button; Esc goes back to windowing."""
    context.viewing.set(tool=tool)


def _brush(context: Context, factor: float) -> None:
    from dataclasses import replace

    settings = context.viewing.look.settings
    radius = min(50.0, max(0.5, settings.brush_radius_mm * factor))
    context.viewing.set(settings=replace(settings, brush_radius_mm=round(radius, 2)))


@action("tool.brush_larger", "Larger brush", group="Tools", keys=("+", "="))
def brush_larger(context: Context) -> None:
    """Make the brush a quarter larger (0.5 to 50 mm)."""
    _brush(context, 1.25)


@action("tool.brush_smaller", "Smaller brush", group="Tools", keys=("-",))
def brush_smaller(context: Context) -> None:
    """Make the brush a fifth smaller (0.5 to 50 mm)."""
    _brush(context, 0.8)


@action("tool.brush_sphere", "Brush: ball or disc", group="Tools", keys=("Shift+S",))
def brush_sphere(context: Context) -> None:
    """Paint a ball through the slices, or a disc in the shown plane."""
    from dataclasses import replace

    settings = context.viewing.look.settings
    context.viewing.set(settings=replace(settings, sphere=not settings.sphere))
