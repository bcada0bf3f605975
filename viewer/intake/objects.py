"""DICOM objects that are no pictures: their names, and which of them are layers (PS3.4 B.5)."""

_STORAGE = "1.2.840.10008.5.1.4.1.1."

_LAYERS = {
    "66.4": "SEG",
    "66.7": "SEG",
    "66.5": "SURFACE",
    "66.1": "REG",
    "66.2": "FIDUCIALS",
    "66.3": "REG",
    "66.6": "TRACTS",
    "67": "RWVM",
    "481.3": "RTSTRUCT",
    "481.5": "RTPLAN",
    "481.8": "RTPLAN",
    "30": "PARAMETRIC MAP",
    "91.1": "ANNOTATIONS",
    "104.1": "PDF",
}
_LAYER_FAMILIES = {"11.": "PR", "88.": "SR"}
_KEY_OBJECT = "88.59"

_NAMES = {
    "SEG": "segmentation",
    "SURFACE": "surface segmentation",
    "REG": "registration",
    "FIDUCIALS": "set of fiducials",
    "TRACTS": "set of nerve tracts",
    "RWVM": "real world value mapping",
    "RTSTRUCT": "radiotherapy structure set",
    "RTPLAN": "radiotherapy plan",
    "PARAMETRIC MAP": "parametric map",
    "ANNOTATIONS": "set of annotations",
    "PR": "presentation state",
    "SR": "structured report",
    "KO": "key object selection",
    "PDF": "encapsulated PDF document",
}

_OTHERS = {
    "4.2": "MR spectroscopy",
    "4.3": "enhanced MR colour image",
    "66": "raw data",
    "104.2": "encapsulated CDA document",
    "104.3": "encapsulated STL model",
    "104.4": "encapsulated OBJ model",
    "77.1.1.1": "endoscopic video",
    "77.1.2.1": "microscopic video",
    "77.1.4.1": "photographic video",
    "9.1.1": "12-lead ECG",
    "9.1.2": "general ECG",
    "9.1.3": "ambulatory ECG",
    "9.2.1": "haemodynamic waveform",
    "9.3.1": "cardiac electrophysiology waveform",
    "9.4.1": "audio waveform",
    "9.5.1": "arterial pulse waveform",
    "481.4": "radiotherapy beams treatment record",
    "481.6": "radiotherapy brachy treatment record",
    "481.7": "radiotherapy treatment summary",
    "481.9": "radiotherapy ion beams treatment record",
}
_IMAGES = {
    "1": "CR image",
    "1.1": "DX image",
    "1.1.1": "DX image",
    "1.2": "mammogram",
    "1.2.1": "mammogram",
    "2": "CT image",
    "2.1": "enhanced CT image",
    "2.2": "enhanced CT image",
    "3.1": "ultrasound film",
    "4": "MR image",
    "4.1": "enhanced MR image",
    "4.4": "enhanced MR image",
    "6.1": "ultrasound image",
    "7": "secondary capture",
    "12.1": "angiogram",
    "12.2": "fluoroscopy",
    "20": "nuclear medicine image",
    "128": "PET image",
    "128.1": "enhanced PET image",
    "130": "enhanced PET image",
    "481.1": "radiotherapy image",
    "481.2": "radiotherapy dose",
}
_HANGING_PROTOCOL = "1.2.840.10008.5.1.4.38.1"
DICOMDIR = "1.2.840.10008.1.3.10"

CT_LIKE = frozenset(_STORAGE + tail for tail in ("2", "2.1", "2.2"))
CLASSIC_MR = _STORAGE + "4"
RT_DOSE = _STORAGE + "481.2"


def layer_kind(sop_class_uid: str) -> str:
    """Return the kind of a layer ("SEG", "SR", "PR", "KO", "RTSTRUCT", ...), "" for others."""
    tail = sop_class_uid.removeprefix(_STORAGE)
    if tail == sop_class_uid:
        return ""
    if tail == _KEY_OBJECT:
        return "KO"
    family = next((kind for head, kind in _LAYER_FAMILIES.items() if tail.startswith(head)), "")
    return _LAYERS.get(tail, family)


def layer_name(kind: str) -> str:
    """Return what a person calls a layer of this kind."""
    return _NAMES.get(kind, kind)


def why_not_drawn(sop_class_uid: str) -> str:
    """Return the sentence on an object without pixels."""
    tail = sop_class_uid.removeprefix(_STORAGE)
    if tail in _IMAGES:
        return f"The {_IMAGES[tail]} has no pixels in its file."
    name = _OTHERS.get(tail)
    if sop_class_uid == _HANGING_PROTOCOL:
        name = "hanging protocol"
    if name is None:
        name = f"object of class {sop_class_uid}" if sop_class_uid else "object without a class"
    return f"The {name} holds no image that can be drawn."
