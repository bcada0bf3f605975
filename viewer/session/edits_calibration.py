"""Edits of what a person said about the size of an image."""

from dataclasses import dataclass, replace

from viewer.domain.calibration import Calibration
from viewer.session.edit import Edit, Touched
from viewer.session.state import State


@dataclass(frozen=True, slots=True)
class SetCalibration:
    """Give an image a calibration; None takes it away."""

    volume_key: str
    sop_instance_uid: str
    calibration: Calibration | None
    name: str = "calibrate"

    def apply(self, state: State) -> tuple[State, Edit]:
        """Set it; the pairs stay sorted, so that undo restores their order too."""
        place = (self.volume_key, self.sop_instance_uid)
        found = {(key, one.sop_instance_uid): one for key, one in state.calibrations}
        before = found.pop(place, None)
        if self.calibration is not None:
            found[place] = self.calibration
        pairs = tuple((key, found[key, uid]) for key, uid in sorted(found))
        return replace(state, calibrations=pairs), SetCalibration(*place, before, self.name)

    def touches(self, state: State) -> Touched:
        """Return the picture."""
        return Touched(frozenset({self.volume_key}))
