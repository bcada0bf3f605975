"""Patients, studies, series, instances: what the header says, as text, never invented."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Patient:
    """Who was examined. Dates are DICOM DA text; "" where the file is silent."""

    name: str = ""
    id: str = ""
    issuer: str = ""
    birth_date: str = ""
    sex: str = ""


@dataclass(frozen=True, slots=True)
class Study:
    """One visit."""

    uid: str
    date: str = ""
    time: str = ""
    description: str = ""
    accession: str = ""
    institution: str = ""
    id: str = ""
    patient_age: str = ""
    referring_physician: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """One acquisition or reconstruction."""

    uid: str
    number: int | None = None
    modality: str = ""
    description: str = ""
    body_part: str = ""
    laterality: str = ""


@dataclass(frozen=True, slots=True)
class Instance:
    """One stored object; ``frame`` counts from 1 as DICOM does (multi-frame), else it is 1.

    ``path`` is the file on this machine, "" if the object was not read from a file.
    """

    sop_class_uid: str
    sop_instance_uid: str
    path: str = ""
    frame: int = 1
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """Where a picture comes from. ``instances`` holds one entry for each slice k, in order.

    ``acquired`` are further header values as (key, text) for the corners: ``kvp``, ``mas``,
    ``kernel``, ``slice_thickness_mm``, ``series_date``, ``series_time``, ``lossy`` ("12:1"), ...
    """

    patient: Patient
    study: Study
    series: Series
    instances: tuple[Instance, ...]
    frame_of_reference_uid: str = ""
    acquired: tuple[tuple[str, str], ...] = field(default=())

    def acquired_text(self, key: str) -> str:
        """Return one header value, "" where it is not there."""
        return dict(self.acquired).get(key, "")
