"""MONAI bundles: configs/metadata.json, configs/inference.json and the weights in models/.

Format: "MONAI Bundle Specification", docs.monai.io. The configuration is looked at as a table: what
it would have evaluated ("$...") is not, and is asked of the person instead.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from viewer.errors import Damaged, InputRefused, Unsupported
from viewer.inference.foreign import Foreign, Form, Options
from viewer.inference.foreign_files import inside, key_from, read_json

_WEIGHTS: tuple[tuple[str, Form], ...] = (
    ("model.pt", "state"), ("model.pth", "state"), ("model.safetensors", "state"),
    ("model.onnx", "onnx"), ("model.ts", "script"),
)  # fmt: skip
_HARMLESS = {
    "LoadImaged", "LoadImage", "EnsureChannelFirstd", "EnsureChannelFirst", "AsChannelFirstd",
    "EnsureTyped", "EnsureType", "Orientationd", "Orientation", "Spacingd", "Spacing",
    "ScaleIntensityRanged", "ScaleIntensityRange", "NormalizeIntensityd", "NormalizeIntensity",
    "ScaleIntensityRangePercentilesd", "ToTensord", "CastToTyped", "AddChanneld", "Identityd",
}  # fmt: skip
_CT_MR = {"ct": "CT", "mr": "MR", "mri": "MR", "pt": "PT", "pet": "PT", "us": "US", "xray": "CR"}


def is_monai(folder: Path) -> bool:
    """Return whether this is a MONAI bundle."""
    return (folder / "configs" / "metadata.json").is_file()


def read_monai(folder: Path) -> Foreign:
    """Return what the bundle says.

    Raises
    ------
    InputRefused, Damaged
        A file is missing or lacks an entry.
    Unsupported
        Several channels, overlapping classes, or an architecture that is not built here and no
        other form beside it.
    """
    about = read_json(inside(folder, "configs", "metadata.json"))
    config = _config(folder)
    try:
        definition = _looked_up(config, config.get("network_def", config.get("network", {})))
        inputs = next(iter(about["network_data_format"]["inputs"].values()))
        outputs = next(iter(about["network_data_format"]["outputs"].values()))
        n_channels, n_outputs = int(inputs["num_channels"]), int(outputs["num_channels"])
        known, notes = _known(folder, about, config, inputs, outputs)
    except (KeyError, TypeError, ValueError, AttributeError, StopIteration) as error:
        raise Damaged("The bundle's description lacks an entry.", where=folder.name) from error
    if n_channels != 1:
        raise Unsupported(
            f"The network wants {n_channels} series at once; networks of one series can be imported."
        )
    if n_outputs > 1 and _ends_in_sigmoid(config):
        raise Unsupported("The network's classes overlap, which is not run here.")
    path, form, options, name = _weights(folder, definition)
    return Foreign(
        kind="MONAI bundle",
        path=path,
        form=form,
        task="segment",
        reads="volume",
        architecture=name,
        options=options,
        known=known,
        asked=("key", "title", "modality", "classes", "spacing", "tile", "scaling", "axes"),
        notes=notes,
        n_outputs=n_outputs,
        needs_trust=form == "script",
    )


def _config(folder: Path) -> Mapping[str, Any]:
    path = inside(folder, "configs", "inference.json")
    if not path.is_file():
        raise InputRefused(
            "The bundle has no configs/inference.json (YAML is not read).", where=folder.name
        )
    return read_json(path)


def _looked_up(config: Mapping[str, Any], value: Any) -> Any:
    """Follow plain references ("@name"); whatever would be evaluated is left as it stands."""
    for _ in range(8):
        if not (isinstance(value, str) and value.startswith("@")):
            break
        value = config.get(value[1:])
    return value


def _plain(config: Mapping[str, Any], table: Mapping[str, Any], name: str, default: Any) -> Any:
    value = _looked_up(config, table.get(name, default))
    is_code = isinstance(value, str) and value.startswith(("$", "%"))
    if is_code or (isinstance(value, list) and any(isinstance(v, str) for v in value)):
        raise Unsupported(f"The bundle computes its network's {name}, and nothing of it is run.")
    return value


def _weights(folder: Path, definition: Any) -> tuple[Path, Form, Options, str]:
    """Return the first form of the weights that can be used, its architecture and options."""
    reason: Unsupported | None = None
    there = [(inside(folder, "models", name), form) for name, form in _WEIGHTS]
    for path, form in there:
        if not path.is_file():
            continue
        if form != "state":
            return path, form, {}, "onnx"
        try:
            name, options = _architecture(definition)
        except Unsupported as error:
            reason = error
            continue
        return path, form, options, name
    raise reason or InputRefused("There are no weights in models/.", where=folder.name)


def _architecture(definition: Any) -> tuple[str, Options]:
    if not isinstance(definition, Mapping):
        raise Unsupported("The bundle computes its network, and nothing of it is run.")
    kind = str(definition.get("_target_", "")).rpartition(".")[2]
    makers = {"UNet": _unet, "SegResNet": _segresnet}
    if kind not in makers:
        raise Unsupported(
            f"The bundle's network is not built here: {kind[:60] or 'unnamed'}.",
            remedy="Ask for it as ONNX (models/model.onnx).",
        )
    axes = _plain(definition, definition, "spatial_dims", 3)
    options: Options = {
        "channels": int(_plain(definition, definition, "in_channels", 1)),
        "outputs": int(_plain(definition, definition, "out_channels", 2)),
    }
    if axes == 2:
        options |= {"axes_n": 2, "flat": 1}
    return {"UNet": "monai_unet", "SegResNet": "segresnet"}[kind], {
        **options,
        **makers[kind](definition),
    }


def _unet(table: Mapping[str, Any]) -> Options:
    strides = _plain(table, table, "strides", [])
    return {
        "features": " ".join(str(int(n)) for n in _plain(table, table, "channels", [])),
        "strides": " ".join(str(int(n)) for n in strides),
        "residual_units": int(_plain(table, table, "num_res_units", 0)),
        "kernel": int(_plain(table, table, "kernel_size", 3)),
        "kernel_up": int(_plain(table, table, "up_kernel_size", 3)),
        "bias": int(bool(_plain(table, table, "bias", True))),
        **_layers(table, "instance", "prelu"),
        "divisor": max(8, _product(strides)),
    }


def _segresnet(table: Mapping[str, Any]) -> Options:
    down = _plain(table, table, "blocks_down", [1, 2, 2, 4])
    if str(table.get("upsample_mode", "nontrainable")).lower() != "nontrainable":
        raise Unsupported("The bundle's SegResNet enlarges in a way that is not built here.")
    return {
        "filters": int(_plain(table, table, "init_filters", 8)),
        "blocks": " ".join(str(int(n)) for n in down),
        "blocks_up": " ".join(str(int(n)) for n in _plain(table, table, "blocks_up", [1, 1, 1])),
        **_layers(table, "group", "relu"),
        "divisor": max(8, 2 ** (len(down) - 1)),
    }


def _layers(table: Mapping[str, Any], norm: str, bend: str) -> Options:
    """Return the options for normalisation and bend; each may be a name, or a name and a table."""
    options: Options = {}
    given = table.get("norm", norm)
    name, more = (given[0], given[1]) if isinstance(given, list) else (given, {})
    name = str(name).lower()
    if name == "instance" and more.get("affine"):
        name = "instance_affine"
    options["norm_layer"] = name
    if name == "group":
        options["groups"] = int(more.get("num_groups", 8))
    given = table.get("act", bend)
    name, more = (given[0], given[1]) if isinstance(given, list) else (given, {})
    if set(more) - {"inplace"}:
        raise Unsupported("The bundle's network bends in a way that is not built here.")
    options["bend"] = str(name).lower()
    known = ("instance", "instance_affine", "batch", "group"), ("prelu", "relu", "leakyrelu",
                                                                 "elu", "gelu")  # fmt: skip
    if options["norm_layer"] not in known[0] or options["bend"] not in known[1]:
        raise Unsupported("The bundle's network has layers that are not built here.")
    return options


def _product(numbers: Sequence[int]) -> int:
    found = 1
    for n in numbers:
        found *= int(n)
    return found


def _transforms(config: Mapping[str, Any], where: str) -> list[Mapping[str, Any]]:
    chain = _looked_up(config, config.get(where, {}))
    found = chain.get("transforms", []) if isinstance(chain, Mapping) else []
    found = _looked_up(config, found)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _kind(transform: Mapping[str, Any]) -> str:
    return str(transform.get("_target_", "")).rpartition(".")[2]


def _ends_in_sigmoid(config: Mapping[str, Any]) -> bool:
    return any(
        _kind(one).startswith("Activations") and one.get("sigmoid") is True
        for one in _transforms(config, "postprocessing")
    )


def _known(
    folder: Path,
    about: Mapping[str, Any],
    config: Mapping[str, Any],
    inputs: Mapping[str, Any],
    outputs: Mapping[str, Any],
) -> tuple[dict[str, str], tuple[str, ...]]:
    name = str(about.get("name") or folder.name)
    modality = str(inputs.get("modality", "")).lower().replace("-", "").replace("_", "")
    known = {
        "key": key_from(folder.name),
        "title": name.replace("_", " "),
        "modality": _CT_MR.get(modality, ""),
        "classes": _class_names(outputs),
        "version": str(about.get("version", "as imported")),
        "licence": str(about.get("license", "") or about.get("copyright", "")),
        "intended_use": str(about.get("intended_use", "")),
        "trained_on": _trained_on(about),
    }
    transforms = _transforms(config, "preprocessing")
    left_out = [_kind(one) for one in transforms if _kind(one) not in _HARMLESS]
    for one in transforms:
        known |= _of_transform(config, one)
    axes = known.get("axes", "")
    if axes and "spacing" in known:
        known["spacing"] = _towards_lph(axes, known["spacing"].split())
    roi = _looked_up(config, _inferer(config).get("roi_size"))
    if axes and isinstance(roi, list) and all(isinstance(n, int) for n in roi):
        sides = [str(n) for n in (roi if len(roi) == 3 else [*roi, 1])]
        known["tile"] = " ".join(reversed(_towards_lph(axes, sides).split()))
    notes = (
        [f"Of its preparation, this is not done here: {', '.join(left_out)}."] if left_out else []
    )
    return {key: text for key, text in known.items() if text}, tuple(notes)


def _inferer(config: Mapping[str, Any]) -> Mapping[str, Any]:
    found = _looked_up(config, config.get("inferer", {}))
    return found if isinstance(found, Mapping) else {}


def _class_names(outputs: Mapping[str, Any]) -> str:
    named = outputs.get("channel_def", {})
    ordered = sorted((int(n), str(name)) for n, name in named.items())
    return ", ".join(name.replace(",", " ").strip() for _, name in ordered)


def _trained_on(about: Mapping[str, Any]) -> str:
    data = str(about.get("data_source", "")).strip()
    scores = about.get("eval_metrics", {})
    said = ", ".join(f"{name} {value}" for name, value in scores.items()) if scores else ""
    told = [data] if data else []
    if said:
        told.append(f"Its makers state {said}; not measured here.")
    return " ".join(told)[:2000]


def _of_transform(config: Mapping[str, Any], one: Mapping[str, Any]) -> dict[str, str]:
    kind = _kind(one).removesuffix("d")
    if kind == "Orientation":
        axes = _looked_up(config, one.get("axcodes"))
        return {"axes": axes} if isinstance(axes, str) and len(axes) == 3 else {}
    if kind == "Spacing":
        pixdim = _looked_up(config, one.get("pixdim"))
        is_plain = isinstance(pixdim, list) and all(isinstance(mm, int | float) for mm in pixdim)
        return {"spacing": " ".join(str(mm) for mm in pixdim)} if is_plain else {}
    if kind == "ScaleIntensityRange":
        ends = [_looked_up(config, one.get(name)) for name in ("a_min", "a_max", "b_min", "b_max")]
        if all(isinstance(n, int | float) for n in ends):
            return {"scaling": f"{ends[0]} {ends[1]} to {ends[2]} {ends[3]}"}
    if kind == "NormalizeIntensity":
        return {"scaling": "nonzero" if one.get("nonzero") is True else "standard"}
    if kind == "ScaleIntensityRangePercentiles":
        ends = [one.get(name) for name in ("lower", "upper", "b_min", "b_max")]
        return {"scaling": "percentiles"} if ends == [1, 99, 0, 1] else {}
    return {}


def _towards_lph(axes: str, values: list[str]) -> str:
    """Return values by tensor axis in the order L, P, H (x, y, z)."""
    pairs = ("LR", "PA", "SI")
    if len(values) < 3:
        return ""
    return " ".join(
        next((values[at] for at, letter in enumerate(axes) if letter in pair), "") for pair in pairs
    )
