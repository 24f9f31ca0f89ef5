"""The benchmark of data larger than memory passes over all of them, and lets the system keep none of the files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from script_files import ROOT

PICTURES = 200
# In a process of its own, for it limits its memory. Few pictures are mapped too, and forgotten after every update.
TRAINED = """
import json, sys
from pathlib import Path
import larger
larger.filled(Path(sys.argv[1]), PICTURES)
from penjing.core import cache
cache.KEPT_IN_MEMORY_BYTES = 0
forgotten, forget = [], larger.forget
larger.forget = lambda column, folder: (forgotten.append(len(list(folder.glob("*.npy")))), forget(column, folder))
larger.LIMIT_BYTES = 2 * 10**9
print(json.dumps({"found": larger.trained(Path(sys.argv[1]), PICTURES, 1, 1), "forgotten": forgotten}))
""".replace("PICTURES", str(PICTURES))


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the benchmark is of Linux")
def test_a_whole_pass_is_trained_on_files_that_the_system_forgot(tmp_path: Path) -> None:
    command = [sys.executable, "-c", TRAINED, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT / "bench")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    found, forgotten = said["found"], said["forgotten"]
    assert found["updates"] == PICTURES // 64
    assert found["passes"] == pytest.approx(0.96)
    assert found["bytes"] == PICTURES * 128 * 128 * 3
    assert found["read_bytes"] >= 0
    assert 0 < found["anonymous_bytes"] < 2 * 10**9
    assert forgotten
    assert all(forgotten)


def test_what_is_let_go_of_is_read_again_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "bench"))
    import larger
    import numpy as np

    class Column:
        def __init__(self, values: np.ndarray) -> None:
            self._values = [values]

    values = np.random.default_rng(0).integers(0, 256, (64, 4096), dtype=np.uint8)
    np.save(tmp_path / "values.npy", values)
    mapped = np.asarray(np.load(tmp_path / "values.npy", mmap_mode="r"))
    assert mapped.sum() == values.sum()
    larger.forget(Column(mapped), tmp_path)
    larger.forget(Column(values), tmp_path)  # what lies in memory stays there
    assert np.array_equal(mapped, values)


def test_records_of_both_forms_are_read(make_speed: ModuleType) -> None:
    def side(count: int, **more: Any) -> dict[str, Any]:
        speeds = {"pictures_per_second": 900.0, "pictures_per_processor_second": 800.0, "stall_share": 0.01}
        return {"pictures": count, "bytes": count * 49152, "anonymous_bytes": 6 * 10**8, **speeds, **more}

    old = make_speed.larger({"limit_bytes": 2 * 10**9, "few": side(4000), "many": side(81380)})
    assert "1.00 of the speed of 197 MB by processor time" in old
    assert "updates" not in old
    more = {"updates": 1271, "passes": 0.9996, "read_bytes": 4 * 10**9}
    new = {"limit_bytes": 2 * 10**9, "arithmetic": "float32, 1 threads", "many": side(81380, **more)}
    said = make_speed.larger({**new, "few": side(4000, updates=300, passes=4.8, read_bytes=0)})
    assert "1,271 updates, 1.00 passes, read 4.0 GB from the disk" in said
    assert "the few had 300 (float32, 1 threads)" in said
