"""How much the intake accepts; hostile input is refused before anything is allocated."""

import os

# The first read of a file: most headers fit (performance.md 2); a longer one is read on.
HEAD_BYTES = 16 * 1024
MAX_HEADER_BYTES = 64 * 1024 * 1024
MAX_TEXT_HEADER_BYTES = 1024 * 1024  # NRRD and MetaImage
MAX_NESTING = 64
MAX_FRAMES = 100_000

# Archives: the rules of issue 9. A member below SMALL_BYTES harms nobody at any ratio.
MAX_ARCHIVE_RATIO = 100
SMALL_ARCHIVE_BYTES = 1024 * 1024
MAX_ARCHIVE_BYTES = 64 * 1024**3
MAX_ARCHIVE_MEMBERS = 500_000

# A whole data set that is deflated (1.2.840.10008.1.2.1.99, .nii.gz).
MAX_INFLATED_BYTES = 4 * 1024**3
MAX_INFLATE_RATIO = 1100  # deflate itself cannot do better than 1032:1

# Geometry: field.md 2.4. Deviations below the floor are rounding in the file's text.
POSITION_TOLERANCE = 0.01
POSITION_FLOOR_MM = 0.01
DIRECTION_TOLERANCE = 1e-3
MAX_VOXEL_MM = 1000.0
MAX_ORIGIN_MM = 1e6

# Single pictures: they are read and decoded in one piece.
MAX_PICTURE_PIXELS = 1 << 28
MAX_PICTURE_BYTES = 1 << 31

KEPT_FREE_BYTES = 256 * 1024 * 1024


def available_bytes() -> int:
    """Return how much memory is free for pixels on this machine."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:  # noqa: PTH123 - a kernel file
            for line in file:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return 8 * 1024**3
