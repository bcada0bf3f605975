"""Which reader a file or folder goes to, and the readers of single files."""

import zipfile
from pathlib import Path

from viewer.errors import InputRefused, Unsupported
from viewer.inference.foreign import Foreign, Form, Options
from viewer.inference.foreign_files import inside, key_from, read_json
from viewer.inference.foreign_monai import is_monai, read_monai
from viewer.inference.foreign_nnunet import is_nnunet, read_nnunet
from viewer.inference.onnx_form import ends_of_onnx, refuse_unsafe_onnx

_LARGEST = 1 << 30
_STATES = (".pt", ".pth", ".bin", ".ckpt", ".safetensors")
_CONFORMED = "LIA"  # FreeSurfer's conformed volumes, which these networks were trained on
KINDS = (
    "a MONAI bundle's folder, an nnU-Net v2 result folder, a TensorFlow.js folder (model.json), an "
    ".onnx file, a TorchScript file, or a torchvision classifier's state dict (.pt, .pth, .safetensors)"
)


def read_foreign(path: Path, fold: str = "") -> Foreign:
    """Return what ``path`` says of a network, without running any of it.

    Raises
    ------
    InputRefused
        It is not there, or (``Damaged``, ``Unsupported``) no network that can be brought in.
    """
    if path.is_dir():
        return _folder(path, fold)
    if not path.is_file():
        raise InputRefused("There is no such file or folder.", where=str(path))
    if path.stat().st_size > _LARGEST:
        raise InputRefused("The file is larger than 1 GiB.", where=path.name)
    return _file(path)


def _folder(path: Path, fold: str) -> Foreign:
    if is_nnunet(path):
        return read_nnunet(path, fold)
    if is_monai(path):
        return read_monai(path)
    if (path / "model.json").is_file():
        return _tensorflow_js(path)
    raise Unsupported("This folder holds no network.", where=path.name, remedy=f"Choose {KINDS}.")


def _file(path: Path) -> Foreign:
    if path.suffix == ".onnx":
        return _onnx(path)
    if path.suffix in (".pt", ".pth", ".ts", ".torchscript") and is_torchscript(path):
        return _picture_or_volume(path, "script")
    if path.suffix in _STATES:
        return _classifier(path)
    if path.suffix == ".zip":
        raise Unsupported("Archives are not opened.", where=path.name, remedy="Unpack it first.")
    raise Unsupported("This file holds no network.", where=path.name, remedy=f"Choose {KINDS}.")


def is_torchscript(path: Path) -> bool:
    """Return whether the archive holds TorchScript's code."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any("/code/" in name for name in archive.namelist())
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return False


def _named(path: Path) -> dict[str, str]:
    return {"key": key_from(path.stem), "title": path.stem.replace("_", " ")}


def _classifier(path: Path) -> Foreign:
    return Foreign(
        kind="torchvision classifier",
        path=path,
        form="state",
        task="classify",
        reads="image",
        architecture="torchvision",
        options={"channels": 3},
        known=_named(path),
        asked=("architecture", "key", "title", "modality", "classes", "tile", "picture"),
    )


def _onnx(path: Path) -> Foreign:
    data = path.read_bytes()
    refuse_unsafe_onnx(data, path.name)
    entry, answer = ends_of_onnx(data)
    found = _picture_or_volume(path, "onnx", entry, answer)
    wanted = {5: (1,), 4: (1, 3)}[len(entry)]
    if entry[1] not in (-1, *wanted):
        raise Unsupported(
            f"The network wants {entry[1]} channels; networks of one series can be imported.",
            where=path.name,
        )
    return found


def _picture_or_volume(
    path: Path, form: Form, entry: tuple[int, ...] = (), answer: tuple[int, ...] = ()
) -> Foreign:
    """Return what a file with its own graph says: its ends' shapes, if any, and nothing else."""
    if entry and (len(entry), len(answer)) not in ((5, 5), (4, 4), (4, 2)):
        raise Unsupported(
            "The network takes and gives shapes that are not run here.",
            where=path.name,
            remedy="Volumes to volumes, pictures to pictures, or pictures to classes are.",
        )
    known = _named(path)
    if entry and all(n > 0 for n in entry[2:]):
        known["tile"] = " ".join(
            str(n) for n in ([1, *entry[2:]] if len(entry) == 4 else entry[2:])
        )
    is_classifier = len(answer) == 2
    volume = ("spacing", "tile", "scaling", "axes", "ends")
    asked = ("tile", "picture", "ends") if is_classifier else volume
    options: Options = {"flat": 1} if entry and len(entry) == 4 and not is_classifier else {}
    if is_classifier:
        options["channels"] = entry[1] if entry[1] > 0 else 3
    if not is_classifier and options:
        known["axes"] = "SPL"  # a picture of an axial image, as it is shown
    return Foreign(
        kind="ONNX file" if form == "onnx" else "TorchScript file",
        path=path,
        form=form,
        task="classify" if is_classifier else "segment",
        reads="image" if is_classifier else "volume",
        architecture="onnx",
        options=options,
        known=known,
        asked=("key", "title", "modality", "classes", *asked),
        n_outputs=max(answer[1], 0) if answer else 0,
        needs_trust=form == "script",
    )


def _tensorflow_js(folder: Path) -> Foreign:
    from viewer.inference.tfjs import read_meshnet

    found = read_meshnet(folder)
    n_outputs = int(found.options["outputs"])
    known = {"key": key_from(folder.name), "title": folder.name.replace("_", " "),
             "modality": "MR", "spacing": "1 1 1", "tile": "256 256 256", "axes": _CONFORMED,
             "scaling": "percentiles"}  # fmt: skip
    for path in sorted(folder.glob("colormap*.json")):
        labels = read_json(inside(folder, path.name)).get("labels", [])
        if isinstance(labels, list) and len(labels) == n_outputs:
            known["classes"] = ", ".join(str(name).replace(",", " ").strip() for name in labels)
    notes = ("Taken as trained on heads of 1 mm voxels, axes as FreeSurfer conforms them (LIA).",)
    return Foreign(
        kind="TensorFlow.js MeshNet",
        path=folder,
        form="arrays",
        task="segment",
        reads="volume",
        architecture="meshnet",
        options=dict(found.options),
        known=known,
        asked=("key", "title", "modality", "classes", "spacing", "tile", "scaling", "axes"),
        notes=notes,
        arrays=found.weights,
        n_outputs=n_outputs,
    )
