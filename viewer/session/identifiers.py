"""Names that are unique in the world."""

import uuid


def new_uid() -> str:
    """Return a new DICOM unique identifier: "2.25." and a random UUID (PS3.5 B.2)."""
    return f"2.25.{uuid.uuid4().int}"
