"""What SEG and SR share: whose study it is, which images, codes, texts, and our own private record.

Every object that is written copies patient and study from the picture's ``Identity``, so that it
lands in the right study of the archive. Text is UTF-8 (ISO_IR 192).
"""

import hashlib
import json
import re
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from viewer import __version__
from viewer.domain.quantity import Code
from viewer.domain.study import Identity, Instance
from viewer.domain.volume import Picture
from viewer.errors import Damaged, InputRefused

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

MANUFACTURER = "Negatoscope"
CHARACTER_SET = "ISO_IR 192"

_FAULTS = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    TypeError,
    ValueError,
    struct.error,
)
_PRIVATE_GROUP = 0x0099
_PRIVATE_CREATOR = "NEGATOSCOPE 1"
_UID = re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*))+")


def is_uid(text: str) -> bool:
    """Return whether ``text`` is a valid DICOM UID (PS3.5 section 9.1)."""
    return len(text) <= 64 and _UID.fullmatch(text) is not None


def new_uid() -> str:
    """Return a UID that nobody has used before."""
    from pydicom.uid import generate_uid

    return str(generate_uid(prefix=None))


def derived_uid(*parts: str) -> str:
    """Return the UID that always belongs to these texts (2.25 and 120 bits of their SHA-256)."""
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    return f"2.25.{int(digest[:30], 16)}"


def short_text(text: str, longest: int = 64) -> str:
    r"""Return ``text`` as an LO or SH value: no backslash, no control character, not too long."""
    clean = "".join(" " if ord(char) < 32 or ord(char) == 127 else char for char in text)
    return clean.replace("\\", "/").strip()[:longest].strip()


def frame_of_reference(picture: Picture) -> str:
    """Return the picture's frame of reference, or one derived from its series if it has none."""
    uid = picture.identity.frame_of_reference_uid
    return uid if is_uid(uid) else derived_uid("frame of reference", picture.identity.series.uid)


def refuse_without_dicom(picture: Picture, *, instead: str) -> None:
    """Refuse pictures that did not come from DICOM: no object could name its source images.

    Raises
    ------
    InputRefused
        With ``instead`` as what to do.
    """
    identity = picture.identity
    instances = identity.instances
    if (
        len(instances) != picture.grid.shape_kji[0]
        or not is_uid(identity.study.uid)
        or not is_uid(identity.series.uid)
        or not all(is_uid(i.sop_class_uid) and is_uid(i.sop_instance_uid) for i in instances)
    ):
        raise InputRefused(
            "The picture did not come from DICOM images that a DICOM object could refer to.",
            where=picture.identity.series.description or picture.key,
            remedy=instead,
        )


def concept(code: Code) -> Any:
    """Return a code as highdicom wants it."""
    from highdicom.sr import CodedConcept

    return CodedConcept(
        value=code.value,
        scheme_designator=short_text(code.scheme, 16),
        meaning=short_text(code.meaning) or code.value,
    )


def code_of(item: "Dataset") -> Code:
    """Return the code of an item of a code sequence (short, long or URN form)."""
    value = item.get("CodeValue") or item.get("LongCodeValue") or item.get("URNCodeValue") or ""
    return Code(
        str(value),
        str(item.get("CodingSchemeDesignator") or ""),
        str(item.get("CodeMeaning") or ""),
    )


def series_of(items: Sequence["Dataset"]) -> str:
    """Return the series UID of the first item of a sequence of references, or ""."""
    return str(items[0].get("SeriesInstanceUID") or "") if items else ""


def blank_header(identity: Identity, instance: Instance) -> "Dataset":
    """Return what highdicom reads of a source image, without the patient (see ``stamp``)."""
    from pydicom.dataset import Dataset

    header = Dataset()
    header.SOPClassUID = instance.sop_class_uid
    header.SOPInstanceUID = instance.sop_instance_uid
    header.StudyInstanceUID = identity.study.uid
    header.SeriesInstanceUID = identity.series.uid
    header.Modality = identity.series.modality or "OT"
    header.SpecificCharacterSet = CHARACTER_SET
    for keyword in ("PatientID", "PatientName", "PatientBirthDate", "PatientSex"):
        setattr(header, keyword, "")
    for keyword in ("AccessionNumber", "StudyID", "StudyDate", "StudyTime"):
        setattr(header, keyword, "")
    return header


def stamp(dataset: "Dataset", identity: Identity) -> None:
    """Write patient and study into an object, as the source's header has them.

    Values that break DICOM's rules (an accession number that is too long) are kept as they are:
    they link the object to its study, and mending them would cut that link.
    """
    from pydicom.config import IGNORE
    from pydicom.dataelem import DataElement

    patient, study = identity.patient, identity.study
    required = (
        (0x00100010, "PN", patient.name),
        (0x00100020, "LO", patient.id),
        (0x00100030, "DA", patient.birth_date),
        (0x00100040, "CS", patient.sex),
        (0x00080020, "DA", study.date),
        (0x00080030, "TM", study.time),
        (0x00080050, "SH", study.accession),
        (0x00080090, "PN", study.referring_physician),
        (0x00200010, "SH", study.id),
    )
    optional = (
        (0x00100021, "LO", patient.issuer),
        (0x00101010, "AS", study.patient_age),
        (0x00081030, "LO", study.description),
    )
    for tag, vr, value in (*required, *(entry for entry in optional if entry[2])):
        dataset[tag] = DataElement(tag, vr, value, validation_mode=IGNORE)


def equipment() -> dict[str, Any]:
    """Return who made the object, as keyword arguments of highdicom."""
    return {
        "manufacturer": MANUFACTURER,
        "manufacturer_model_name": MANUFACTURER,
        "software_versions": __version__,
        "device_serial_number": "none",
        "specific_character_set": CHARACTER_SET,
    }


def put_record(dataset: "Dataset", record: dict[str, Any]) -> None:
    """Put our own record (JSON, ASCII) into a private block; other programs pass it by."""
    block = dataset.private_block(_PRIVATE_GROUP, _PRIVATE_CREATOR, create=True)
    block.add_new(0x01, "UT", json.dumps(record, allow_nan=False, separators=(",", ":")))


def get_record(dataset: "Dataset") -> dict[str, Any] | None:
    """Return our own record, or None where there is none or it is broken."""
    try:
        block = dataset.private_block(_PRIVATE_GROUP, _PRIVATE_CREATOR)
        record = json.loads(str(block[0x01].value))
    except (KeyError, ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


@contextmanager
def as_damaged(where: str) -> Iterator[None]:
    """Tell whatever pydicom raises about broken content as one sentence about the file.

    pydicom converts values when they are first looked at, so a broken one shows up anywhere.

    Raises
    ------
    Damaged
        Instead of what was raised inside; ``ViewerError`` passes.
    """
    from pydicom.errors import BytesLengthException

    try:
        yield
    except (*_FAULTS, BytesLengthException) as error:
        raise Damaged(
            "The DICOM file is broken or cut short.", where=where, remedy="Copy it again."
        ) from error


def read_object(path: Path) -> "Dataset":
    """Return a DICOM object read from ``path``.

    Raises
    ------
    InputRefused
        The file is not there or may not be read.
    Damaged
        It is no DICOM file, or it is cut short.
    """
    from pydicom import config, dcmread
    from pydicom.errors import InvalidDicomError

    # pydicom would quote odd values (a name that is too long) in warnings and in its log
    config.settings.reading_validation_mode = config.IGNORE

    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise InputRefused(
            "The file cannot be read.", where=path.name, remedy="Check that it is there."
        ) from error
    with as_damaged(path.name):
        try:
            dataset = dcmread(path)
        except InvalidDicomError as error:
            raise Damaged(
                "This is not a DICOM file.", where=path.name, remedy="Choose another file."
            ) from error
        if "SOPClassUID" not in dataset or "SOPInstanceUID" not in dataset:
            raise KeyError("SOPClassUID")
    return dataset
