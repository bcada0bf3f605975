"""Weights of one network as the beginning of another that is built much like it."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from viewer.errors import Damaged
from viewer.inference.handover import mapped


def start_from(network: nn.Module, plan: Mapping[str, Any]) -> int:
    """Copy what fits of the weights that ``plan`` brings along; return how many tensors did.

    They are the first sample's ``start``, the bytes of a safetensors file. Where a kernel takes fewer
    channels than the other's, the first ones are taken (of a U-Net's merging layer: what comes from
    below, without the bridge); where it gives more, the first outputs are filled.

    Raises
    ------
    Damaged
        The bytes are no such file.
    """
    lent = plan["samples"][0].get("start")
    if lent is None:
        return 0
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        source = load(bytes(mapped(lent)))
    except SafetensorError as error:
        raise Damaged("The weights to start from cannot be read.") from error
    copied = 0
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            other = source.get(name)
            if other is None or other.ndim != tensor.ndim:
                continue
            shared = tuple(
                slice(0, min(a, b)) for a, b in zip(tensor.shape, other.shape, strict=True)
            )
            tensor[shared] = other[shared].to(tensor.dtype)
            copied += 1
    return copied
