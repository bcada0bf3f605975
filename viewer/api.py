"""All that a plug-in may use. A name that stands here stays."""

from viewer.domain.chain import Chain, Setting, Step
from viewer.domain.finding import Finding, Severity
from viewer.domain.geometry import Grid, Plane
from viewer.domain.methods import (
    WHOLE,
    Architecture,
    Asked,
    Filter,
    Parameter,
    PlaneContext,
    VolumeContext,
)
from viewer.domain.quantity import Code, Quantity
from viewer.domain.volume import Picture, Volume
from viewer.errors import InputRefused, Unsupported, ViewerError
from viewer.jobs.job import Ticket

__all__ = [
    "WHOLE",
    "Architecture",
    "Asked",
    "Chain",
    "Code",
    "Filter",
    "Finding",
    "Grid",
    "InputRefused",
    "Parameter",
    "Picture",
    "Plane",
    "PlaneContext",
    "Quantity",
    "Setting",
    "Severity",
    "Step",
    "Ticket",
    "Unsupported",
    "ViewerError",
    "Volume",
    "VolumeContext",
]
