"""The worker's training jobs on volumes beyond one grey channel and one mask."""

from typing import Any

import numpy as np

from viewer.inference.handover import mapped
from viewer.inference.worker.orders import Orders


def train_volume_network(orders: Orders, plan: dict[str, Any]) -> tuple[bytes, list[float]]:
    """Return the weights and the losses of a plan: "volume_tracer", "volume_instances" or "volume_own"."""
    if plan["task"] == "volume_instances":
        from viewer.inference.worker.instance_training import train_instances

        return train_instances(plan, orders.report, orders.check)
    if plan["task"] == "volume_own":
        from viewer.inference.worker.own_training import train_own

        own = [
            (np.array(mapped(one["seen"])), np.array(mapped(one["labels"])))
            for one in plan["samples"]
        ]
        return train_own(plan, own, orders.report, orders.check)
    from viewer.inference.worker.volume_augment import Case
    from viewer.inference.worker.volume_training import train_tracer

    cases = [
        Case.of(np.array(mapped(one["suv"])), np.array(mapped(one["mask"])))
        for one in plan["samples"]
    ]
    return train_tracer(plan, cases, orders.report, orders.check)
