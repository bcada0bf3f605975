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
from viewer.domain.segmenters import Preset, Segmenter, SegmentRequest, SegmentResult
from viewer.domain.volume import Picture, Volume
from viewer.errors import InputRefused, Unsupported, ViewerError
from viewer.imaging.between_slices import between_slices
from viewer.imaging.neighbourhood import (
    box_mean,
    box_moments,
    derivative_kernel,
    eigenvalues,
    free_of_scale,
    gaussian_derivative,
    gaussian_reach_px,
    hessian,
    in_own_scale,
    noise_sd,
    on_own_scale,
    sampled_percentiles,
    smoothed,
    window_px,
)
from viewer.imaging.neighbourhood_volume import sorted_by_size, volume_derivative, volume_hessian
from viewer.imaging.segmenting import box_notes, mask_box, seed_box, seed_marks
from viewer.imaging.similar import nonlocal_means, nonlocal_means_volume
from viewer.imaging.variation import least_variation
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
    "Preset",
    "Quantity",
    "SegmentRequest",
    "SegmentResult",
    "Segmenter",
    "Setting",
    "Severity",
    "Step",
    "Ticket",
    "Unsupported",
    "ViewerError",
    "Volume",
    "VolumeContext",
    "between_slices",
    "box_mean",
    "box_moments",
    "box_notes",
    "derivative_kernel",
    "eigenvalues",
    "free_of_scale",
    "gaussian_derivative",
    "gaussian_reach_px",
    "hessian",
    "in_own_scale",
    "least_variation",
    "mask_box",
    "noise_sd",
    "nonlocal_means",
    "nonlocal_means_volume",
    "on_own_scale",
    "sampled_percentiles",
    "seed_box",
    "seed_marks",
    "smoothed",
    "sorted_by_size",
    "volume_derivative",
    "volume_hessian",
    "window_px",
]
