"""What is true now: studies, measurements, segmentations, enhancement chains."""

from dataclasses import dataclass, replace

from viewer.domain.calibration import Calibration
from viewer.domain.chain import Chain
from viewer.domain.measurement import Measurement
from viewer.domain.segmentation import Segmentation
from viewer.errors import Conflict


@dataclass(frozen=True, slots=True)
class StudyReference:
    """Files and folders that were opened together; the session keeps references, no images."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class State:
    """The whole document as one value; only the label arrays inside are changed in place.

    ``chains`` holds (volume key, chain) pairs, sorted by key; ``calibrations`` (volume key,
    calibration) pairs, sorted by key and image.
    """

    studies: tuple[StudyReference, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    segmentations: tuple[Segmentation, ...] = ()
    chains: tuple[tuple[str, Chain], ...] = ()
    calibrations: tuple[tuple[str, Calibration], ...] = ()

    def measurement(self, uid: str) -> Measurement:
        """Return the measurement with this uid.

        Raises
        ------
        Conflict
            There is none (any more).
        """
        return self.measurements[self.measurement_position(uid)]

    def segmentation(self, uid: str) -> Segmentation:
        """Return the segmentation with this uid.

        Raises
        ------
        Conflict
            There is none (any more).
        """
        return self.segmentations[self.segmentation_position(uid)]

    def chain(self, volume_key: str) -> Chain:
        """Return the enhancement of a picture; an empty chain where none was set."""
        return dict(self.chains).get(volume_key, Chain())

    def calibrations_of(self, volume_key: str) -> tuple[Calibration, ...]:
        """Return what was said about the size of a picture's images."""
        return tuple(found for key, found in self.calibrations if key == volume_key)

    def measurement_position(self, uid: str) -> int:
        """Return where a measurement stands in the list; Conflict if it is not there."""
        for position, measurement in enumerate(self.measurements):
            if measurement.uid == uid:
                return position
        raise Conflict("This measurement is not there any more.")

    def segmentation_position(self, uid: str) -> int:
        """Return where a segmentation stands in the list; Conflict if it is not there."""
        for position, segmentation in enumerate(self.segmentations):
            if segmentation.uid == uid:
                return position
        raise Conflict("This segmentation is not there any more.")

    def with_segmentation(self, segmentation: Segmentation) -> "State":
        """Return the state with the segmentation of the same uid exchanged."""
        position = self.segmentation_position(segmentation.uid)
        before, after = self.segmentations[:position], self.segmentations[position + 1 :]
        return replace(self, segmentations=(*before, segmentation, *after))
