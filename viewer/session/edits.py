"""All edits, for those who make them."""

from viewer.session.edit import Edit, Group, Touched
from viewer.session.edits_calibration import SetCalibration
from viewer.session.edits_chain import SetChain
from viewer.session.edits_labels import (
    MaskBlock,
    PaintLabels,
    paint,
    replace_labels,
    replace_segment_mask,
)
from viewer.session.edits_measurement import AddMeasurement, RemoveMeasurement, ReplaceMeasurement
from viewer.session.edits_segmentation import (
    AddSegment,
    AddSegmentation,
    CopySegmentation,
    Head,
    MoveSegment,
    RemoveSegment,
    RemoveSegmentation,
    ReplaceSegment,
    ReplaceSegmentation,
    SetFractions,
)
from viewer.session.packed import Difference, Packed

__all__ = [
    "AddMeasurement",
    "AddSegment",
    "AddSegmentation",
    "CopySegmentation",
    "Difference",
    "Edit",
    "Group",
    "Head",
    "MaskBlock",
    "MoveSegment",
    "Packed",
    "PaintLabels",
    "RemoveMeasurement",
    "RemoveSegment",
    "RemoveSegmentation",
    "ReplaceMeasurement",
    "ReplaceSegment",
    "ReplaceSegmentation",
    "SetCalibration",
    "SetChain",
    "SetFractions",
    "Touched",
    "paint",
    "replace_labels",
    "replace_segment_mask",
]
