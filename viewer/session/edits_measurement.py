"""Edits of measurements."""

from dataclasses import dataclass, replace

from viewer.domain.measurement import KINDS, Measurement
from viewer.errors import Conflict
from viewer.session.edit import Edit, Touched
from viewer.session.state import State


def words(measurement: Measurement) -> str:
    """Return what a person calls it: its kind and first number ("distance 12.3 mm")."""
    kind = KINDS[measurement.kind].title.lower() if measurement.kind in KINDS else "measurement"
    number = measurement.quantities[0].text() if measurement.quantities else ""
    return f"{kind} {number}".strip()


@dataclass(frozen=True, slots=True)
class AddMeasurement:
    """A new measurement; ``position`` -1 puts it last."""

    measurement: Measurement
    name: str = ""
    position: int = -1

    def __post_init__(self) -> None:
        """Name it after its first number."""
        if not self.name:
            object.__setattr__(self, "name", words(self.measurement))

    def apply(self, state: State) -> tuple[State, Edit]:
        """Add it; Conflict if its uid is taken."""
        if any(m.uid == self.measurement.uid for m in state.measurements):
            raise Conflict("This measurement is there already.")
        items = list(state.measurements)
        items.insert(len(items) if self.position < 0 else self.position, self.measurement)
        after = replace(state, measurements=tuple(items))
        return after, RemoveMeasurement(self.measurement.uid, self.name)

    def touches(self, state: State) -> Touched:
        """Return the picture that is measured."""
        return Touched(frozenset({self.measurement.volume_key}))


@dataclass(frozen=True, slots=True)
class RemoveMeasurement:
    """Take a measurement away."""

    uid: str
    name: str = "delete measurement"

    def apply(self, state: State) -> tuple[State, Edit]:
        """Remove it; Conflict if it is not there."""
        position = state.measurement_position(self.uid)
        gone = state.measurements[position]
        rest = (*state.measurements[:position], *state.measurements[position + 1 :])
        return replace(state, measurements=rest), AddMeasurement(gone, self.name, position)

    def touches(self, state: State) -> Touched:
        """Return the picture that was measured."""
        return _touched(self.uid, state)


@dataclass(frozen=True, slots=True)
class ReplaceMeasurement:
    """A measurement of the same uid in place of the one before: moved, renamed, reviewed."""

    measurement: Measurement
    name: str = ""

    def __post_init__(self) -> None:
        """Name it after its first number."""
        if not self.name:
            object.__setattr__(self, "name", f"change to {words(self.measurement)}")

    def apply(self, state: State) -> tuple[State, Edit]:
        """Exchange it; Conflict if it is not there."""
        position = state.measurement_position(self.measurement.uid)
        before = state.measurements[position]
        rest = state.measurements[position + 1 :]
        items = (*state.measurements[:position], self.measurement, *rest)
        return replace(state, measurements=items), ReplaceMeasurement(before, self.name)

    def touches(self, state: State) -> Touched:
        """Return the picture that is measured."""
        return _touched(self.measurement.uid, state)


def _touched(uid: str, state: State) -> Touched:
    keys = (m.volume_key for m in state.measurements if m.uid == uid)
    return Touched(frozenset(keys))
