"""The grey steps of a presentation state, as a window of a picture's quantity."""

import numpy as np

from viewer.domain.presentation import PresentationState
from viewer.domain.volume import Picture, VoiTable, Window
from viewer.imaging.value_chain import windowed


def softcopy_window(state: PresentationState, picture: Picture, k: int) -> Window | None:
    """Return how ``state`` maps image ``k`` to greys; None where it leaves the image's own window.

    The steps are those of PS3.4 N.2: modality, VOI, presentation LUT. Where one of the outer two is
    a table, all of them are worked out for every stored value, and become one table.
    """
    instance = picture.identity.instances[k]
    window = state.window_of(instance.sop_instance_uid, instance.frame)
    slope, intercept = float(picture.quantity.slope_k[k]), float(picture.quantity.intercept_k[k])
    if state.modality is None and state.greys is None:
        if window is None or state.rescale is None or slope <= 0:
            return window
        # The state's own rescale may differ from the image's: the window is meant on the former.
        ratio = slope / state.rescale[0]
        return window.scaled(ratio, intercept - state.rescale[1] * ratio)
    if picture.stored.dtype.kind not in "iu" or picture.stored.dtype.itemsize > 2 or slope <= 0:
        return window
    return _worked_out(state, picture, window, (slope, intercept))


def _worked_out(
    state: PresentationState,
    picture: Picture,
    window: Window | None,
    scale: tuple[float, float],
) -> Window:
    range_ = np.iinfo(picture.stored.dtype)
    stored = np.arange(int(range_.min), int(range_.max) + 1, dtype=np.float64)
    if state.modality is not None:
        values = state.modality.greys() * 65535
        at = np.clip(stored - state.modality.first, 0, state.modality.n_entries - 1)
        quantity = values[at.astype(np.int64)]
    else:
        slope, intercept = state.rescale or scale
        quantity = stored * slope + intercept
    if window is None:
        low, high = float(quantity.min()), float(quantity.max())
        grey = (quantity - low) / max(high - low, 1e-9)
    else:
        grey = windowed(quantity, window)
    if state.greys is not None:
        entries = state.greys.greys()
        grey = entries[np.rint(grey * (len(entries) - 1)).astype(np.int64)]
    table = np.rint(grey * 65535).astype("<u2").tobytes()
    first = float(range_.min) * scale[0] + scale[1]
    return Window.of_table(VoiTable(first, scale[0], table), state.label)
