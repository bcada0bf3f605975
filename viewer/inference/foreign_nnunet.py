"""Result folders of nnU-Net v2: plans.json, dataset.json and a fold's checkpoint.

Formats: github.com/MIC-DKFZ/nnUNet, documentation of its plans and of dataset.json. A network is
rebuilt from the numbers there; nothing that a plan names is imported.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from viewer.errors import Damaged, InputRefused, Unsupported
from viewer.inference.adapted import OUR_AXES
from viewer.inference.foreign import Foreign, Options
from viewer.inference.foreign_files import inside, key_from, read_json

_ENCODERS = {"PlainConvUNet": "plain", "ResidualEncoderUNet": "residual"}
_CHECKPOINTS = ("checkpoint_final.pth", "checkpoint_best.pth")
_MODALITIES = {"ct": "CT", "mri": "MR", "mr": "MR", "t1": "MR", "t2": "MR", "flair": "MR",
               "dwi": "MR", "adc": "MR", "pet": "PT", "us": "US"}  # fmt: skip
_ORIENTED = (
    "nnU-Net keeps the axes of its training files, and does not write them down; taken as S, P, L. "
    "If masks look mirrored, import it again with --axes."
)


def is_nnunet(folder: Path) -> bool:
    """Return whether this is a result folder of nnU-Net v2."""
    return (folder / "plans.json").is_file() and (folder / "dataset.json").is_file()


def read_nnunet(folder: Path, fold: str = "") -> Foreign:
    """Return what the result folder says.

    Raises
    ------
    InputRefused, Damaged
        A file is missing or lacks an entry.
    Unsupported
        A cascade, several channels, regions, or an architecture of another family.
    """
    plans, dataset = (
        read_json(inside(folder, "plans.json")),
        read_json(inside(folder, "dataset.json")),
    )
    try:
        name, made = _configuration(folder, plans)
        options = _options(made)
        channel, names = _channel(dataset), _classes(dataset)
        known = _known(folder, name, made, plans, channel)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise Damaged(
            "The plans or the data set's description lack an entry.", where=folder.name
        ) from error
    options |= {"channels": 1, "outputs": len(names)}
    known["classes"] = ", ".join(names)
    return Foreign(
        kind="nnU-Net v2 result folder",
        path=_checkpoint(folder, fold),
        form="state",
        task="segment",
        reads="volume",
        architecture="nnunet",
        options=options,
        known=known,
        asked=("key", "title", "modality", "classes", "spacing", "tile", "scaling"),
        notes=(_ORIENTED,),
        n_outputs=len(names),
    )


def _configuration(folder: Path, plans: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the name of the configuration that the folder is of, and all its entries."""
    found = plans["configurations"]
    name = folder.name.rpartition("__")[2]
    if name not in found:
        name = "3d_fullres" if "3d_fullres" in found else next(iter(found))
    made: dict[str, Any] = dict(found[name])
    for _ in range(len(found)):
        parent = made.pop("inherits_from", None)
        if parent is None:
            break
        made = {**found[parent], **made}
    if made.get("previous_stage"):
        raise Unsupported("This is the second stage of a cascade, which is not run here.")
    return name, made


def _options(made: Mapping[str, Any]) -> Options:
    """Return the architecture's options from the new form of plans or the old one."""
    if "architecture" in made:
        kind = str(made["architecture"]["network_class_name"]).rpartition(".")[2]
        arch = made["architecture"]["arch_kwargs"]
    else:
        kind, arch = str(made["UNet_class_name"]), _old_form(made)
    if kind not in _ENCODERS:
        raise Unsupported(f"The plans name an architecture that is not built here: {kind[:60]}.")
    _refuse_other_layers(arch)
    n_axes = len(made["patch_size"])
    features = [int(n) for n in arch["features_per_stage"]]
    blocks = arch["n_blocks_per_stage" if kind.startswith("Res") else "n_conv_per_stage"]
    strides = _tuples(arch["strides"], n_axes)
    options: Options = {
        "features": " ".join(str(n) for n in features),
        "kernels": _joined(_tuples(arch["kernel_sizes"], n_axes)),
        "strides": _joined(strides),
        "blocks": " ".join(str(int(n)) for n in blocks),
        "blocks_up": " ".join(str(int(n)) for n in arch["n_conv_per_stage_decoder"]),
        "bias": int(bool(arch.get("conv_bias", True))),
        "encoder": _ENCODERS[kind],
    }
    halved = [_product(one[axis] for one in strides) for axis in range(n_axes)]
    options["divisor"] = max(8, *halved)
    if n_axes == 2:
        options |= {"axes_n": 2, "flat": 1}
    return options


def _old_form(made: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keyword arguments of plans written before nnU-Net 2.3."""
    kernels = made["conv_kernel_sizes"]
    first, most = int(made["UNet_base_num_features"]), int(made["unet_max_num_features"])
    blocks = made["n_conv_per_stage_encoder"]
    return {
        "features_per_stage": [min(first * 2**n, most) for n in range(len(kernels))],
        "kernel_sizes": kernels,
        "strides": made["pool_op_kernel_sizes"],
        "n_conv_per_stage": blocks,
        "n_blocks_per_stage": blocks,
        "n_conv_per_stage_decoder": made["n_conv_per_stage_decoder"],
    }


def _refuse_other_layers(arch: Mapping[str, Any]) -> None:
    usual = {"norm_op": "InstanceNorm", "nonlin": "LeakyReLU", "dropout_op": "None"}
    for name, expected in usual.items():
        given = arch.get(name)
        if given is not None and not str(given).rpartition(".")[2].startswith(expected):
            raise Unsupported(f"The plans name a layer that is not built here: {str(given)[:60]}.")


def _tuples(entries: Any, n_axes: int) -> list[tuple[int, ...]]:
    return [
        tuple(int(n) for n in one) if isinstance(one, list) else (int(one),) * n_axes
        for one in entries
    ]


def _product(numbers: Iterable[int]) -> int:
    found = 1
    for n in numbers:
        found *= n
    return found


def _joined(entries: list[tuple[int, ...]]) -> str:
    return " ".join("x".join(str(n) for n in one) for one in entries)


def _channel(dataset: Mapping[str, Any]) -> str:
    channels = dataset.get("channel_names") or dataset["modality"]
    if len(channels) != 1:
        raise Unsupported(
            f"The network wants {len(channels)} series at once; networks of one series can be "
            "imported."
        )
    return str(next(iter(channels.values())))


def _classes(dataset: Mapping[str, Any]) -> list[str]:
    labels = dataset["labels"]
    if any(isinstance(value, list) for value in labels.values()):
        raise Unsupported("The network was trained on overlapping regions, which is not run here.")
    ordered = sorted((int(value), str(name)) for name, value in labels.items() if name != "ignore")
    if [number for number, _ in ordered] != list(range(len(ordered))):
        raise Damaged("The labels of the data set are not numbered one after the other.")
    return [name.replace(",", " ").strip() for _, name in ordered]


def _known(
    folder: Path, name: str, made: Mapping[str, Any], plans: Mapping[str, Any], channel: str
) -> dict[str, str]:
    n_axes = len(made["patch_size"])
    forward = [int(n) for n in plans.get("transpose_forward", [0, 1, 2])]
    letters = [OUR_AXES[at] for at in forward]
    patch, spacing = [int(n) for n in made["patch_size"]], [float(mm) for mm in made["spacing"]]
    if n_axes == 2:
        patch, spacing = [1, *patch], [1.0, *spacing]
    by_axis = {letter: (patch[at], spacing[at]) for at, letter in enumerate(letters)}
    title = str(plans.get("dataset_name", folder.name)).replace("_", " ").strip()
    modality = _MODALITIES.get(channel.lower().split("_")[0], "")
    return {
        "key": key_from(str(plans.get("dataset_name", folder.name))),
        "title": f"{title} (nnU-Net, {name})",
        "modality": modality,
        "spacing": " ".join(f"{by_axis[letter][1]:g}" for letter in reversed(OUR_AXES)),
        "tile": " ".join(str(by_axis[letter][0]) for letter in OUR_AXES),
        "axes": "".join(letters),
        "scaling": _scaling(made, plans),
        "version": str(plans.get("plans_name", "as imported")),
        "trained_on": f"nnU-Net data set {plans.get('dataset_name', 'unnamed')}, {channel}.",
    }


def _scaling(made: Mapping[str, Any], plans: Mapping[str, Any]) -> str:
    kind = str(made["normalization_schemes"][0])
    if kind == "ZScoreNormalization":
        return "nonzero" if made.get("use_mask_for_norm", [False])[0] else "standard"
    if kind == "CTNormalization":
        about = plans["foreground_intensity_properties_per_channel"]["0"]
        low, high = float(about["percentile_00_5"]), float(about["percentile_99_5"])
        mean, spread = float(about["mean"]), max(float(about["std"]), 1e-8)
        return f"{low!r} {high!r} to {(low - mean) / spread!r} {(high - mean) / spread!r}"
    if kind == "NoNormalization":
        return ""
    raise Unsupported(f"The plans name a normalisation that is not done here: {kind[:60]}.")


def _checkpoint(folder: Path, fold: str) -> Path:
    if fold and not (fold == "all" or fold.isdigit()):
        raise InputRefused("A fold is a number, or all.", remedy="Write it like this: --fold 0.")
    folds = (
        [f"fold_{fold}"] if fold else sorted(p.name for p in folder.glob("fold_*") if p.is_dir())
    )
    for name in folds:
        for checkpoint in _CHECKPOINTS:
            path = inside(folder, name, checkpoint)
            if path.is_file():
                return path
    raise InputRefused(
        "There is no checkpoint of a fold (fold_0/checkpoint_final.pth).", where=folder.name
    )
