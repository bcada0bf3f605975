"""Segmentation methods."""

from plugins.segment import clusters, deformable, edges, grow_cut, regions, slices, threshold

METHODS = (
    *threshold.METHODS,
    *regions.METHODS,
    *grow_cut.METHODS,
    *clusters.METHODS,
    *edges.METHODS,
    *deformable.METHODS,
    *slices.METHODS,
)
