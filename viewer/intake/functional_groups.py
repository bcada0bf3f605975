"""The frames of enhanced multi-frame objects, each by its own functional groups (PS3.3 C.7.6.16)."""

from viewer.intake import tags
from viewer.intake.frames import (
    Frame,
    RealWorld,
    Traits,
    place_of,
    real_world_of,
    rescale_of,
    voi_tables_of,
    windows_of,
)
from viewer.intake.header import Elements, Header
from viewer.intake.layout import PixelFile

_FRAME_TYPES = (
    tags.MR_FRAME_TYPE_SEQUENCE,
    tags.CT_FRAME_TYPE_SEQUENCE,
    tags.PET_FRAME_TYPE_SEQUENCE,
)


class _Groups:
    """One frame's functional groups over the shared ones."""

    def __init__(self, own: Elements, shared: Elements) -> None:
        self._own = own
        self._shared = shared

    def first(self, tag: int) -> Elements:
        """Return the group's item: the frame's own, else the shared one."""
        return self._own.first(tag) if tag in self._own else self._shared.first(tag)

    def real_world(self, header: Header) -> RealWorld | None:
        """Return what values mean in the world: by the frame's own word, the shared, the file's."""
        for elements in (self._own, self._shared, header):
            found = real_world_of(elements)
            if found is not None:
                return found
        return None


def enhanced_frames(header: Header, file: PixelFile) -> tuple[Frame, ...]:
    """Return the frames with place, rescale and window of their own."""
    shared = header.first(tags.SHARED_GROUPS)
    per_frame = header.items(tags.PER_FRAME_GROUPS)
    nothing = Elements({}, header.encoding, header.charset)
    return tuple(
        _frame(
            header,
            file,
            index,
            _Groups(per_frame[index] if index < len(per_frame) else nothing, shared),
        )
        for index in range(file.n_frames)
    )


def _frame(header: Header, file: PixelFile, index: int, groups: _Groups) -> Frame:
    transformation = groups.first(tags.PIXEL_TRANSFORMATION_SEQUENCE)
    source: Elements = transformation if transformation.values else header
    slope, intercept = rescale_of(source, file)
    frame_type = next(
        (found for tag in _FRAME_TYPES if (found := groups.first(tag).texts(tags.FRAME_TYPE))),
        header.texts(tags.IMAGE_TYPE),
    )
    voi = groups.first(tags.FRAME_VOI_LUT_SEQUENCE)
    described: Elements = voi if voi.values else header
    tables = voi_tables_of(described, signed=file.layout.signed or intercept < 0)
    place = place_of(
        groups.first(tags.PLANE_POSITION_SEQUENCE),
        groups.first(tags.PLANE_ORIENTATION_SEQUENCE),
        groups.first(tags.PIXEL_MEASURES_SEQUENCE),
    )
    return Frame(
        file,
        header,
        index + 1,
        None if file.layout.is_colour else place,
        slope,
        intercept,
        (*tables, *windows_of(described)),
        _traits(groups, frame_type),
        header.whole(tags.INSTANCE_NUMBER),
        frame_type,
        groups.real_world(header),
    )


def _traits(groups: _Groups, frame_type: tuple[str, ...]) -> Traits:
    content = groups.first(tags.FRAME_CONTENT_SEQUENCE)
    found = [("image type", "\\".join(frame_type))]
    component = _component(groups)
    if component:
        found.append(("component", component))
    found += _numbers("echo time", groups.first(tags.MR_ECHO_SEQUENCE), tags.EFFECTIVE_ECHO_TIME)
    diffusion = groups.first(tags.MR_DIFFUSION_SEQUENCE)
    found += _numbers("b-value", diffusion, tags.B_VALUE)
    found += _numbers(
        "gradient", diffusion.first(tags.GRADIENT_SEQUENCE), tags.GRADIENT_ORIENTATION
    )
    found += _numbers("trigger time", groups.first(tags.CARDIAC_SYNC_SEQUENCE), tags.TRIGGER_DELAY)
    moment = content.binary(tags.TEMPORAL_POSITION_INDEX, "L")
    if moment:
        found.append(("temporal position", f"{moment[0]:g}"))
    stack = content.text(tags.STACK_ID)
    if stack:
        found.append(("stack", stack))
    for number, value in enumerate(content.binary(tags.DIMENSION_INDEX_VALUES, "L")):
        found.append((f"dimension {number + 1}", f"{value:g}"))
    return tuple(found)


def _component(groups: _Groups) -> str:
    return groups.first(tags.MR_FRAME_TYPE_SEQUENCE).text(tags.COMPLEX_IMAGE_COMPONENT)


def _numbers(name: str, item: Elements, tag: int) -> list[tuple[str, str]]:
    values = item.binary(tag, "d")
    return [(name, " ".join(f"{value:.4g}" for value in values))] if values else []
