"""The benchmark's part about networks: a tile in the chosen engine, in torch, and in the pipeline."""

from typing import Any

from viewer.errors import ViewerError
from viewer.jobs.job import Ticket

NETWORK = "lesions"
# inference.md 0 and 3: OpenVINO in 0.66 of tuned torch's time; the pipeline's own share of a tile.
TARGETS = {"network_torch_ratio": 0.75, "network_pipeline_ratio": 1.10}


def network_figures(shape_kji: tuple[int, int, int], rounds: int) -> dict[str, Any]:
    """Return ratios and milliseconds of the demonstration network; {} where it cannot run.

    ``network_torch_ratio`` compares processor time, which others on the same cores change less than
    they change the time on the wall.
    """
    from viewer.inference.cards import load_cards
    from viewer.inference.supervisor import Supervisor

    cards = load_cards()
    if NETWORK not in cards:
        return {}
    supervisor = Supervisor(cards=cards)
    try:
        found = supervisor.tile_times(cards[NETWORK][0], shape_kji, rounds, Ticket())
    except ViewerError as error:
        return {"network_missing": error.sentence()}
    finally:
        supervisor.close()
    return {
        "network_torch_ratio": round(found["tile_cpu_ms"] / found["torch_tile_cpu_ms"], 2),
        "network_pipeline_ratio": found["pipeline_ratio"],
        **{f"network_{name}": value for name, value in found.items() if name != "pipeline_ratio"},
    }
