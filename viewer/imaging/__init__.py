"""Numbers from voxels: pure functions on arrays and grids. No files, no state, no threads."""
