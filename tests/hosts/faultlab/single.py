"""One run from its spec to its proofs."""

import json
import random

from hostlab import artefacts
from hostlab.checking import scenario

from . import endings
from .clusters import Cluster
from .story import BOUND, Run, play
from .strikes import sequence
from .wire import Wire


def play_plan(plan, seed, out):
    """Ends the program, as every scenario does; `out` gets the rows of the table."""
    with scenario(plan.name) as (check, lab, scratch):
        cluster = Cluster(plan.shape, scratch, artefacts.ensure(), plan.stall_after)
        run = Run(plan.name, cluster, lab, check, random.Random(f"{seed} {plan.name}"), Wire(lab, scratch))
        result = {"name": plan.name, "shape": plan.shape}
        try:
            result |= everything(plan, run, scratch)
        finally:
            for row in run.rows:
                check.that(row.good, f"{plan.name}: {row.host}: {row.fault}", row.outcome or "no outcome")
            order = " ".join(name for name, _ in sorted(run.delays.items(), key=lambda pair: pair[1]))
            rows = [{"host": "all", "fault": f"boot order {order}", "struck": 0, "seconds": run.all_ready,
                     "outcome": "READY" if run.all_ready >= 0 else "NOT READY", "good": run.all_ready >= 0}]
            out.write_text(json.dumps(result | {"rows": rows + [row.as_dict() for row in run.rows],
                                                "passed": check.passed, "failed": check.failed}), encoding="utf-8")


def everything(plan, run, scratch):
    run.cluster.prepare()
    acts = plan.acts(run, run.cluster)
    run.lab.up(run.cluster.directory / "own/out/faults", www=run.cluster.www)
    run.delays = plan.delays(run.dice)
    watcher = endings.Watcher(run.lab, scratch / "seen.json")
    run.start()
    tasks = {name: sequence(run, host, acts.get(name, []), run.delays[name], BOUND)
             for name, host in run.lab.hosts.items()}
    play(run, tasks, bound=2 * BOUND)
    ready = all(host.status().get("state") == "READY" for host in run.lab.hosts.values())
    if run.check.that(ready, f"{run.name}: all hosts are READY"):
        run.all_ready = run.clock()
    else:
        print("\n".join(run.lab.story(name) for name in run.lab.hosts), flush=True)
    seen = watcher.stop()
    endings.prove(run, seen)
    if not ready:
        return {}
    endings.look_for_secrets(run, seen, scratch)
    measured = endings.measure(run, seen) if plan.undisturbed else {}
    if plan.reboot_all:
        endings.reboot_all(run)
    if plan.second_seed:
        endings.second_seed(run)
    return measured
