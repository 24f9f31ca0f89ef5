"""The clinic: how often the doctor is right, on trainings made sick on purpose and on healthy ones.

python bench/doctor.py tune                  the best of twenty recipes for each draw; needed once, before the rest
python bench/doctor.py run --hours 0.5       carry out cases that are not done yet; --shard 1/4 takes every fourth
python bench/doctor.py                       score what is there: bench/results/clinic.json
python bench/doctor.py repair --hours 0.5    treat sick runs, beside doing nothing, random search and a new start
python bench/doctor.py final --hours 2       opens the final part: counted, three times at most
python bench/doctor.py fresh --hours 2       opens the fresh part: counted, once
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch: one thread, however many clinics run

import argparse
import tempfile
import time
from pathlib import Path

from _record import commit, write

from clinic import carry, cases, data, healthy, repair, rounds, score
from penjing.core import plugins
from penjing.core.process import tune_process

TOLD = ("sick_runs", "healthy_runs", "recall", "precision", "healthy_false_alarms")


def tune(arguments: argparse.Namespace) -> None:
    """The best of twenty recipes for each draw, part after part: no check looks."""
    for name in (name for part in data.PARTS for name in data.names(part)):
        if healthy.key(name, 0) in healthy.recall() or time.monotonic() > arguments.until:
            continue
        begun = time.process_time()
        ward = carry.ready(data.draw(name, 0))
        found = healthy.tune(ward, data.DATA[name], name, 0)
        healthy.keep({**healthy.recall(), healthy.key(name, 0): found})
        print(name, found["values"][:6], f"{time.process_time() - begun:.0f} s", flush=True)


def run(arguments: argparse.Namespace) -> None:
    """Cases of the development part that are not done yet, where the best of their draw is known."""
    known = healthy.recall()
    ready = [case for case in cases.cases() if healthy.key(case.data, case.draw) in known]
    ready.sort(key=rounds.has_experiments)  # what takes longest comes last
    rounds.run(cases.shard(ready, arguments.shard), rounds.DEVELOPMENT, arguments.folder, arguments.until)
    result(arguments)


def result(_: argparse.Namespace) -> None:
    """bench/results/clinic.json, from the lines that there are."""
    checks = set(plugins.names("checks"))
    not_built = sorted({fault.required for fault in rounds.EVERY.values()} - checks)
    found = {
        "planned": {"sick": sum(bool(case.fault) for case in cases.cases()), "healthy": cases.HEALTHY},
        "openings_of_the_final_part": cases.openings("final"),
        "not_built": not_built,
        "development": score.scored(rounds.lines(rounds.DEVELOPMENT), not_built),
    }
    if repair.LINES.exists():
        mendable = sum(repair.is_mendable(case) for case in cases.cases())
        found["repair"] = {"mendable": mendable, **repair.scored(rounds.lines(repair.LINES), score.share)}
    for opening in range(1, cases.openings("final") + 1):  # the last one is the figure, the others are told
        found["final"] = score.scored(rounds.lines(rounds.opened("final", opening)), not_built)
        found.setdefault("final_by_opening", []).append({name: found["final"][name] for name in TOLD})
    if fresh := rounds.lines(rounds.opened("fresh", 1)):
        found["openings_of_the_fresh_part"] = cases.openings("fresh")
        found["fresh"] = score.scored(fresh, not_built)
    write("clinic", found)
    for part in data.PARTS:
        print(part, {name: found[part][name] for name in TOLD} if part in found else "not opened")


def mend(arguments: argparse.Namespace) -> None:
    """Sick runs of the development part: treated, left alone, searched at random, begun anew."""
    repair.run(cases.shard(cases.cases(), arguments.shard), arguments.folder, arguments.until)
    result(arguments)


def open_part(arguments: argparse.Namespace) -> None:
    """Open the final part or the fresh one: written down first, three times or once at most; the same code goes on with
    its opening."""
    part = arguments.what
    missing = [name for name in data.names(part) if healthy.key(name, 0) not in healthy.recall()]
    if missing:
        raise SystemExit(f"the best of {', '.join(missing)} is not known yet: python bench/doctor.py tune")
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    found = cases.open_part(part, f"the figures of the {part} part", when, commit(), cases.code_id())
    found.sort(key=rounds.has_experiments)  # what takes longest comes last
    mine = cases.shard(found, arguments.shard)
    rounds.run(mine, rounds.opened(part, cases.openings(part)), arguments.folder, arguments.until)
    result(arguments)


COMMANDS = {"tune": tune, "run": run, "score": result, "repair": mend, "final": open_part, "fresh": open_part}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", default="score", choices=tuple(COMMANDS))
    parser.add_argument("--hours", type=float, default=1.0, help="stop after so many hours")
    parser.add_argument("--shard", default="1/1", help="which share of the cases: 1/4 is the first of four")
    arguments = parser.parse_args()
    arguments.until = time.monotonic() + 3600 * arguments.hours
    tune_process()
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(PENJING_CACHE=str(Path(folder) / "cache"), PENJING_STATE=str(Path(folder) / "state"))
        arguments.folder = Path(folder)
        COMMANDS[arguments.what](arguments)


if __name__ == "__main__":
    main()
