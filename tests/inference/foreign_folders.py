"""Folders as MONAI and nnU-Net leave them, with the tiny networks beside these tests inside."""

import json
from pathlib import Path
from typing import Any

_FILES = Path(__file__).parent / "foreign"
_ARCH = "dynamic_network_architectures.architectures.unet.PlainConvUNet"


def state_of(name: str) -> dict[str, Any]:
    """Return the state dict (NumPy arrays) of a tiny network."""
    from safetensors.numpy import load_file

    tensors = load_file(_FILES / f"{name}.safetensors")
    return {key[2:]: value for key, value in tensors.items() if key.startswith("w.")}


def _write(path: Path, table: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(table))


def plans() -> dict[str, Any]:
    """Return plans as nnU-Net v2 writes them, for the network ``nn_plain``."""
    about = {"mean": 50.0, "std": 100.0, "percentile_00_5": -900.0, "percentile_99_5": 600.0}
    arch = {
        "n_stages": 3, "features_per_stage": [2, 3, 4], "conv_op": "torch.nn.modules.conv.Conv3d",
        "kernel_sizes": [[1, 3, 3], [3, 3, 3], [3, 3, 3]],
        "strides": [[1, 1, 1], [1, 2, 2], [2, 2, 2]], "n_conv_per_stage": [2, 1, 2],
        "n_conv_per_stage_decoder": [1, 2], "conv_bias": True, "dropout_op": None,
        "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d", "nonlin": "torch.nn.LeakyReLU",
    }  # fmt: skip
    made = {
        "patch_size": [8, 16, 32], "spacing": [3.0, 2.0, 1.0], "use_mask_for_norm": [False],
        "normalization_schemes": ["CTNormalization"],
        "architecture": {"network_class_name": _ARCH, "arch_kwargs": arch},
    }  # fmt: skip
    return {
        "dataset_name": "Dataset001_Toy", "plans_name": "nnUNetPlans",
        "transpose_forward": [0, 1, 2], "configurations": {"3d_fullres": made},
        "foreground_intensity_properties_per_channel": {"0": about},
    }  # fmt: skip


def dataset() -> dict[str, Any]:
    """Return the description of a data set of CT with three labels."""
    labels = {"background": 0, "liver": 1, "spleen": 2}
    return {"channel_names": {"0": "CT"}, "labels": labels, "file_ending": ".nii.gz"}


def an_nnunet_folder(parent: Path, made: object = None, about: object = None) -> Path:
    """Return a result folder; its checkpoint is empty until a test writes one."""
    folder = parent / "nnUNetTrainer__nnUNetPlans__3d_fullres"
    _write(folder / "plans.json", plans() if made is None else made)
    _write(folder / "dataset.json", dataset() if about is None else about)
    (folder / "fold_0").mkdir(exist_ok=True)
    (folder / "fold_0" / "checkpoint_final.pth").touch()
    return folder


def metadata() -> dict[str, Any]:
    """Return the metadata of a bundle for one CT channel and two classes."""
    inputs = {"image": {"num_channels": 1, "modality": "CT"}}
    outputs = {"pred": {"num_channels": 2, "channel_def": {"0": "background", "1": "spleen"}}}
    return {
        "version": "0.1", "name": "Toy spleen", "eval_metrics": {"mean_dice": 0.9},
        "network_data_format": {"inputs": inputs, "outputs": outputs},
    }  # fmt: skip


def inference() -> dict[str, Any]:
    """Return the configuration of a bundle, for the network ``monai_unet_res``."""
    network = {
        "_target_": "UNet", "spatial_dims": 3, "in_channels": 1, "out_channels": 2,
        "channels": [2, 3, 4], "strides": [2, 2], "num_res_units": 2, "norm": "batch",
    }  # fmt: skip
    window = {
        "_target_": "ScaleIntensityRanged", "a_min": -57, "a_max": 164, "b_min": -1, "b_max": 1,
    }  # fmt: skip
    chain = [
        {"_target_": "LoadImaged"},
        {"_target_": "Orientationd", "axcodes": "RAS"},
        {"_target_": "Spacingd", "pixdim": "@pixdim"},
        window,
        {"_target_": "CropForegroundd"},
    ]
    return {
        "pixdim": [1.0, 2.0, 3.0],
        "network_def": network,
        "preprocessing": {"_target_": "Compose", "transforms": chain},
        "inferer": {"_target_": "SlidingWindowInferer", "roi_size": [32, 16, 8]},
    }


def a_bundle(parent: Path, about: object = None, config: object = None) -> Path:
    """Return a bundle's folder with safetensors weights."""
    from safetensors.numpy import save_file

    folder = parent / "toy_bundle"
    _write(folder / "configs" / "metadata.json", metadata() if about is None else about)
    _write(folder / "configs" / "inference.json", inference() if config is None else config)
    (folder / "models").mkdir(exist_ok=True)
    save_file(state_of("monai_unet_res"), folder / "models" / "model.safetensors")
    return folder
