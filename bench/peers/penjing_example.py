"""The image example network by penjing: python penjing_example.py SECONDS SEED, one line of JSON out."""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from _clocked import carried_out, ready
from records import fashion

from penjing.models.image_example import Settings

with tempfile.TemporaryDirectory() as folder:
    data = ready(fashion(Path(folder)), Path(folder))
    # Sizes that are set by hand stay: the same network as the others train, and no smaller one.
    published = {f"model.{name}": value for name, value in asdict(Settings()).items()}
    by_hand = {"model": "image_example", **published}
    found = carried_out(data, float(sys.argv[1]), seed=int(sys.argv[2]), by_hand=by_hand, is_tested=True)
print(json.dumps({"preparing_seconds": data.seconds, **found.record()}))
