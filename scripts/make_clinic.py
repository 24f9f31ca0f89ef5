"""Writes the tables of docs/clinic.md from bench/results/clinic.json. Nobody types its numbers.

python scripts/make_clinic.py
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from make_tables import NONE, NOT_YET, RESULTS, ROOT, Record, link, machine, placed, said, shown, write

PAGE = "docs/clinic.md"
PARTS = ("development", "final", "fresh")
LATER = ("fresh",)  # told only once there is something of them


def filled(text: str, results: Path = ROOT / RESULTS) -> str:
    """docs/clinic.md with its tables made anew.

    Raises:
        ValueError: it has not exactly one place for each.
    """
    file = results / "clinic.json"
    if not file.exists():
        found, about = {}, f"{NOT_YET.english}.\n"
    else:
        record = json.loads(file.read_text(encoding="utf-8"))
        found = record["result"]
        about = _about(record)
    text = placed(text, "clinic", about + _parts(found))
    text = placed(text, "faults", _faults({part: found.get(part, {}).get("by_fault", {}) for part in _told(found)}))
    return placed(text, "repair", _repair(found.get("repair")))


def _told(found: Record) -> list[str]:
    """The parts that stand in the tables, measured or not."""
    return [part for part in PARTS if part in found or part not in LATER]


def _about(record: Record) -> str:
    found, where = record["result"], link([record], Path("..") / RESULTS / "clinic.json")
    told = [f"of the {part} part {_carried_out(found[part], found['planned'])}" for part in PARTS if part in found]
    counted = f"{', '.join(told)}. The final part was {opened(found['openings_of_the_final_part'])}"
    counted += f", the fresh part {opened(found['openings_of_the_fresh_part'])}." if "fresh" in found else "."
    where_and_what = f"Record {where}, {said(machine([record]), 'english')}. {counted[0].upper()}{counted[1:]}"
    return f"{where_and_what}{_seconds(found)}{_pooled(found)}\n\n"


def _seconds(found: Record) -> str:
    """How long runs take."""
    told = [f"{part} {_taken(one)}" for part in PARTS if (one := found.get(part, {}).get("seconds"))]
    return f" Seconds of processor time of a run, experiments included: {'; '.join(told)}." if told else ""


def _taken(one: Record) -> str:
    return f"{one['median']} usually, {one['within']} of {one['runs']} within eight, at most {one['most']}"


def _pooled(found: Record) -> str:
    """Healthy runs with a false alarm over all parts."""
    told = [found[part]["healthy_false_alarms"] for part in PARTS if part in found]
    right, number = (sum(one[name] for one in told) for name in ("right", "n"))
    return f" Of all {number} healthy runs {right} have a false alarm." if number else ""


def _carried_out(told: Record, planned: Record) -> str:
    others = told["healthy_runs"] + told["not_healthy_enough"]
    return (
        f"{told['sick_runs']} of {planned['sick']} sick runs and {others} of {planned['healthy']} others were carried "
        f"out, of which {told['healthy_runs']} are healthy"
    )


def opened(times: int) -> str:
    """How often the final part was opened, in words."""
    return {0: "not opened yet", 1: "opened once", 2: "opened twice"}.get(times, f"opened {times} times")


def _parts(found: Record) -> str:
    lines = ["| runs | recall | precision | healthy runs with a false alarm |", "|---|---|---|---|"]
    for part in _told(found):
        told = found.get(part)
        if told is None:
            lines.append(f"| {part} part | {NOT_YET.english} | {NONE} | {NONE} |")
            continue
        lines.append(_row(f"{part} part", told, told["healthy_false_alarms"]))
        lines.append(_row(f"{part} part, where the fault did harm", told["of_faults_that_did_harm"], None))
        for name in ("without", "with"):
            one = told[f"of_checks_{name}_experiments"]
            lines.append(_row(f"{part} part, where the check looks {name} experiments", one, None))
        built = told["of_checks_that_are_built"]
        if built != {name: told[name] for name in built}:
            lines.append(_row(f"{part} part, where the check is built", built, None))
        for name, one in told["by_modality"].items():
            lines.append(_row(f"{part} part, {name}", one, one["healthy_false_alarms"]))
    return "\n".join(lines) + "\n"


def _row(name: str, told: Record, alarms: Record | None) -> str:
    shares = [told["recall"], told["precision"], alarms]
    return f"| {name} | {' | '.join(NONE if one is None else _counted(one) for one in shares)} |"


def _counted(one: Record) -> str:
    """A share with its interval and what it is of."""
    if one["value"] is None:
        return NONE
    return f"{shown(one)}, {one['right']} of {one['n']}"


def _faults(by_part: Mapping[str, Mapping[str, Record]]) -> str:
    """What was found of each fault, in two columns a part."""
    columns = [("" if part == "development" else f"{part}: ") + "found | precision" for part in by_part]
    lines = [f"| fault | must be found | {' | '.join(columns)} |", "|---" * (2 + 2 * len(by_part)) + "|"]
    every = {name: told for part in reversed(by_part) for name, told in by_part[part].items()}
    for name, told in every.items():
        required = f"`{told['required']}`" + ("" if told["is_built"] else " (not built yet)")
        cells = [cell for found in by_part.values() for cell in _fault_cells(found.get(name))]
        lines.append(f"| {name} | {required} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _fault_cells(told: Record | None) -> tuple[str, str]:
    """How often a fault was found, and how many of the findings were named."""
    if told is None:
        return NONE, NONE
    recall, precision = told["recall"], told["precision"]
    alarms = NONE if precision["value"] is None else f"{precision['right']} of {precision['n']}"
    return f"{recall['right']} of {recall['n']}", alarms


def _repair(told: Record | None) -> str:
    if told is None:
        return f"{NOT_YET.english}\n"
    names = {"treated": "`treat`", "nothing": "nothing", "random": "random search, same time", "anew": "begun anew"}
    lines = [
        f"{told['runs']} of the {told['mendable']} runs whose fault a recipe can mend were carried out so far, and "
        f"{told['sick']} of them are sick enough; `treat` refused {told['refused']}. A treatment took "
        f"{told['processor_seconds']} s of processor time.",
        "",
        "| what was done | brought back |",
        "|---|---|",
    ]
    lines += [f"| {name} | {_counted(told['brought_back'][way])} |" for way, name in names.items()]
    curable = told["curable_brought_back"]
    lines += [f"| {name}, of the curable runs | {_counted(curable[way])} |" for way, name in names.items()]
    lines += [f"| `treat`, faults of the {kind} | {_counted(found)} |" for kind, found in told["by_kind"].items()]
    lines.append(f"| `treat` better than random search | {_counted(told['better_than_random'])} |")
    lines.append(f"| `treat` at least as good | {_counted(told['as_good_as_random'])} |")
    clearly = told["clearly_beside_random"]
    lines += [f"| `treat` clearly {name}, item by item | {_counted(found)} |" for name, found in clearly.items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    write(PAGE, filled)


if __name__ == "__main__":
    main()
