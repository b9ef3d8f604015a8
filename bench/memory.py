"""How much memory training takes: the peak of a process that trains two steps at batch 128.

The plan is the one that `deepres train` makes; networks as in Sec. 4.2, two replicas.
"""

import json
import subprocess
import sys

from timing import line

NETWORKS = ("resnet20", "resnet110", "resnet1202")


def trained(name: str) -> None:
    """Trains, in a process of its own, and tells its peak."""
    import resource

    import torch

    import deepres
    from deepres.accel.choose import choose
    from deepres.accel.prepared import prepared
    from deepres.data.batches import Batch
    from deepres.spec import Recipe
    from deepres.train import begun

    network, recipe = deepres.create(name), Recipe(steps=2)
    plan = choose(network, recipe, 32, engine="eager").plan
    step = prepared(network, recipe, plan)
    state = begun(network.train(), recipe)
    images = torch.zeros(128, 3, 32, 32).to(memory_format=torch.channels_last)
    for _ in range(recipe.steps):
        step(state, Batch(images, torch.arange(128) % 10, recipe.replicas), 0.01)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"gigabytes": round(peak / 1e9, 2), "blocks_kept": plan.checkpointed}))


def main() -> None:
    if len(sys.argv) > 1:
        trained(sys.argv[1])
        return
    told = {}
    for name in NETWORKS:
        ran = subprocess.run(
            [sys.executable, __file__, name], capture_output=True, text=True, check=True
        )
        told[name] = json.loads(ran.stdout)
    line("peak of resident memory in training, batch 128", networks=told)


if __name__ == "__main__":
    main()
