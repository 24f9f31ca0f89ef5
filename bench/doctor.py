"""The clinic: how often the doctor is right, on trainings made sick on purpose and on healthy ones.

python bench/doctor.py tune                  the best of twenty recipes for each draw; needed once, before the rest
python bench/doctor.py run --hours 0.5       carry out cases that are not done yet; --shard 1/4 takes every fourth
python bench/doctor.py                       score what is there: bench/results/clinic.json
python bench/doctor.py repair --hours 0.5    treat sick runs, beside doing nothing, random search and a new start
python bench/doctor.py final --hours 2       opens the final part: counted, three times at most
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

DRAWS = 1


def tune(arguments: argparse.Namespace) -> None:
    """The best of twenty recipes for each draw."""
    for number in range(DRAWS):
        for name in data.names():
            known = healthy.recall()
            if healthy.key(name, number) in known or time.monotonic() > arguments.until:
                continue
            begun = time.process_time()
            ward = carry.ready(data.draw(name, number))
            found = healthy.tune(ward, data.DATA[name], name, number)
            healthy.keep({**healthy.recall(), healthy.key(name, number): found})
            print(name, number, found["values"][:6], f"{time.process_time() - begun:.0f} s", flush=True)


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
        "openings_of_the_final_part": cases.openings(),
        "not_built": not_built,
        "development": score.scored(rounds.lines(rounds.DEVELOPMENT), not_built),
    }
    if repair.LINES.exists():
        found["repair"] = repair.scored(rounds.lines(repair.LINES), score.share)
    if rounds.FINAL.exists():
        found["final"] = score.scored(rounds.lines(rounds.FINAL), not_built)
    write("clinic", found)
    told = found["development"]
    print({name: told[name] for name in ("sick_runs", "healthy_runs", "recall", "precision", "healthy_false_alarms")})


def mend(arguments: argparse.Namespace) -> None:
    """Sick runs of the development part: treated, left alone, searched at random, begun anew."""
    repair.run(cases.shard(cases.cases(), arguments.shard), arguments.folder, arguments.until)
    result(arguments)


def final(arguments: argparse.Namespace) -> None:
    """Open the final part: written down first, and three times at most."""
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    found = cases.open_final("the figures of the final part", when, commit())
    for name in data.names(is_final=True):
        known = healthy.recall()
        if healthy.key(name, 0) not in known:
            ward = carry.ready(data.draw(name, 0))
            best = healthy.tune(ward, data.DATA[name], name, 0)
            healthy.keep({**known, healthy.key(name, 0): best})
    mine = cases.shard(found, arguments.shard)
    rounds.run(mine, rounds.FINAL, arguments.folder, arguments.until, is_final=True)
    result(arguments)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", default="score", choices=("tune", "run", "score", "repair", "final"))
    parser.add_argument("--hours", type=float, default=1.0, help="stop after so many hours")
    parser.add_argument("--shard", default="1/1", help="which share of the cases: 1/4 is the first of four")
    arguments = parser.parse_args()
    arguments.until = time.monotonic() + 3600 * arguments.hours
    tune_process()
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(PENJING_CACHE=str(Path(folder) / "cache"), PENJING_STATE=str(Path(folder) / "state"))
        arguments.folder = Path(folder)
        {"tune": tune, "run": run, "score": result, "repair": mend, "final": final}[arguments.what](arguments)


if __name__ == "__main__":
    main()
