"""Who and what a picture is, as the headers say it."""

from collections.abc import Sequence

from viewer.domain.study import Identity, Instance, Patient, Series, Study
from viewer.intake import tags
from viewer.intake.frames import Frame
from viewer.intake.header import Header

_ACQUIRED = (
    ("kvp", tags.KVP),
    ("kernel", tags.CONVOLUTION_KERNEL),
    ("slice_thickness_mm", tags.SLICE_THICKNESS),
    ("tr_ms", tags.REPETITION_TIME),
    ("te_ms", tags.ECHO_TIME),
    ("ti_ms", tags.INVERSION_TIME),
    ("flip_deg", tags.FLIP_ANGLE),
    ("contrast", tags.CONTRAST_BOLUS_AGENT),
    ("view", tags.VIEW_POSITION),
    ("thickness_mm", tags.BODY_PART_THICKNESS),
    ("series_date", tags.SERIES_DATE),
    ("series_time", tags.SERIES_TIME),
    ("acquisition_date", tags.ACQUISITION_DATE),
    ("acquisition_time", tags.ACQUISITION_TIME),
    ("content_time", tags.CONTENT_TIME),
)
_ENHANCEMENT = "Negatoscope enhancement:"  # as session.deriving writes it
_LONGEST_CHAIN = 120
# JPEG baseline and extended cannot be lossless, whatever the header says.
_LOSSY_SYNTAXES = ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51")


def identity_of(frames: Sequence[Frame], series_uid: str, suv_name: str) -> Identity:
    """Return the identity of frames in slice order; ``suv_name`` goes to the corner of PET."""
    header = frames[0].header
    return Identity(
        _patient(header),
        _study(header),
        _series(header, series_uid),
        tuple(_instance(frame) for frame in frames),
        header.text(tags.FRAME_OF_REFERENCE_UID),
        _acquired(frames[0], suv_name),
    )


def _patient(header: Header) -> Patient:
    return Patient(
        header.text(tags.PATIENT_NAME),
        header.text(tags.PATIENT_ID),
        header.text(tags.ISSUER_OF_PATIENT_ID),
        header.text(tags.PATIENT_BIRTH_DATE),
        header.text(tags.PATIENT_SEX),
    )


def _study(header: Header) -> Study:
    return Study(
        header.text(tags.STUDY_INSTANCE_UID),
        header.text(tags.STUDY_DATE),
        header.text(tags.STUDY_TIME),
        header.text(tags.STUDY_DESCRIPTION),
        header.text(tags.ACCESSION_NUMBER),
        header.text(tags.INSTITUTION_NAME),
        header.text(tags.STUDY_ID),
        header.text(tags.PATIENT_AGE),
        header.text(tags.REFERRING_PHYSICIAN_NAME),
    )


def _series(header: Header, series_uid: str) -> Series:
    return Series(
        header.text(tags.SERIES_INSTANCE_UID) or series_uid,
        header.whole(tags.SERIES_NUMBER),
        header.text(tags.MODALITY),
        header.text(tags.SERIES_DESCRIPTION),
        header.text(tags.BODY_PART_EXAMINED),
        header.text(tags.LATERALITY) or header.text(tags.IMAGE_LATERALITY),
    )


def _instance(frame: Frame) -> Instance:
    file = frame.file
    # The tiles of a mosaic are no frames to others: their file has one.
    number = frame.number if file.sheet is None else 1
    return Instance(
        file.sop_class_uid, file.sop_instance_uid, file.path, number, frame.instance_number
    )


def _acquired(frame: Frame, suv_name: str) -> tuple[tuple[str, str], ...]:
    header = frame.header
    found = [(key, header.text(tag)) for key, tag in _ACQUIRED]
    found += [("mas", _mas(header)), ("lossy", _lossy(header)), ("suv", suv_name)]
    found.append(("enhanced", _enhanced(header)))
    found += [("b_value", value) for name, value in frame.traits if name == "b-value"][:1]
    dose = header.first(tags.RADIOPHARMACEUTICAL_SEQUENCE)
    found.append(("tracer", dose.text(tags.RADIOPHARMACEUTICAL)))
    return tuple((key, text) for key, text in found if text)


def _enhanced(header: Header) -> str:
    """Return the chain of a series that this program made, so that it keeps its mark; else ""."""
    said = header.text(tags.DERIVATION_DESCRIPTION)
    if not said.startswith(_ENHANCEMENT):
        return ""
    return said.removeprefix(_ENHANCEMENT).strip()[:_LONGEST_CHAIN] or "yes"


def _mas(header: Header) -> str:
    """Return the exposure in mAs, from tube current and time if it is not given itself."""
    direct = header.text(tags.EXPOSURE)
    current = header.number(tags.X_RAY_TUBE_CURRENT)
    time_ms = header.number(tags.EXPOSURE_TIME)
    if direct or current is None or time_ms is None:
        return direct
    return f"{current * time_ms / 1000:.0f}"


def _lossy(header: Header) -> str:
    """Return the ratio of lossy compression ("12:1"), "yes" without one, "" if lossless."""
    if header.text(tags.LOSSY_IMAGE_COMPRESSION) != "01" and header.syntax not in _LOSSY_SYNTAXES:
        return ""
    ratios = header.numbers(tags.LOSSY_RATIO)
    return f"{max(ratios):.3g}:1" if ratios else "yes"
