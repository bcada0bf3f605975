"""Pictures without a toolkit: slices, annotations as primitives, the 3-D scene."""
