"""What a vector of each frozen encoder costs: milliseconds an item on made-up items, all cores, median of the rounds.

python bench/pretrained.py        less than a minute; writes bench/results/pretrained.json
"""

from __future__ import annotations

import statistics
import time
from typing import Any

import _record
import numpy as np

from penjing.core import plugins

ITEMS, ROUNDS = 64, 5
TEXT = "the quiet film about a lighthouse keeper and his dog was better than anything we saw this year"


def items(modality: str) -> tuple[Any, ...]:
    """Pictures of 224 × 224, clips of one second, or sentences of 20 words."""
    random = np.random.default_rng(0)
    if modality == "image":
        return (random.integers(0, 256, (ITEMS, 224, 224, 3), dtype=np.uint8),)
    if modality == "audio":
        return (random.normal(0, 3000, (ITEMS, 16_000)).astype(np.int16), 16_000)
    return ([" ".join(random.choice(TEXT.split(), 20)) for _ in range(ITEMS)],)


def measure(module: Any) -> dict[str, Any]:
    begun = time.perf_counter()
    embed = module.load(module.Settings())
    loaded, given = time.perf_counter() - begun, items(module.MODALITY)
    embed(*given)  # the first call allocates
    walls, processor = [], time.process_time()
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        embed(*given)
        walls.append(time.perf_counter() - begun)
    return {
        "load_seconds": round(loaded, 2),
        "ms_an_item": round(1e3 * statistics.median(walls) / ITEMS, 2),
        "processor_ms_an_item": round(1e3 * (time.process_time() - processor) / ROUNDS / ITEMS, 2),
        "package": {"name": module.PACKAGE, "version": _record.version(module.PACKAGE)},
    }


def main() -> None:
    found = {}
    for name in plugins.names("pretrained"):
        module = plugins.load("pretrained", name)
        if module.is_available():
            found[name] = measure(module)
            print(name, found[name])
    print(_record.write("pretrained", {"items": ITEMS, "rounds": ROUNDS, "encoders": found}))


if __name__ == "__main__":
    main()
