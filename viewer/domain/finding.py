"""Something worth saying about a file, a series or a result."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding matters to somebody who reads the study."""

    NOTE = "note"
    WARNING = "warning"
    UNSAFE = "unsafe"  # tools that it would falsify are locked


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence about ``subject``, and what to do; plain text, never the patient's identity.

    ``images`` are the slices k (from 0) that it is about; () when it is about the whole.
    """

    severity: Severity
    subject: str
    text: str
    remedy: str = ""
    images: tuple[int, ...] = ()
