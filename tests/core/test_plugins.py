import subprocess
import sys
from pathlib import Path

import pytest

from penjing.core import plugins
from penjing.core.errors import UsageError


def test_every_file_in_the_folder_is_a_plugin_and_nothing_else():
    folder = plugins.PACKAGE / "models"
    files = {file.stem for file in folder.glob("*.py") if not file.name.startswith("_")}
    assert files == set(plugins.names("models"))
    assert len(files) >= 3


def test_a_near_miss_is_offered_the_right_name():
    with pytest.raises(UsageError, match=r'there is no model "cn"; did you mean "cnn"\?'):
        plugins.find("models", "cn")


def test_an_unknown_kind_is_refused():
    with pytest.raises(UsageError, match='no kind of plug-in "modles"; did you mean "models"'):
        plugins.names("modles")


def test_summaries_and_defaults_are_read_without_importing_torch():
    code = (
        "import sys; from penjing.core import plugins;"
        "assert plugins.find('models', 'cnn').summary.endswith('.');"
        "assert 'width' in plugins.find('models', 'cnn').defaults;"
        "assert 'torch' not in sys.modules and 'penjing.models' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_persons_own_file_is_loaded_by_its_path(tmp_path: Path):
    file = tmp_path / "mine.py"
    file.write_text(
        '"""My network."""\nfrom dataclasses import dataclass\n@dataclass\nclass Settings:\n    k: int = -3\n'
    )
    plugin = plugins.find("models", str(file))
    assert plugin.summary == "My network."
    assert plugin.defaults == {"k": -3}
    assert plugin.load().Settings().k == -3


def test_a_persons_own_object_is_loaded_from_a_module():
    assert plugins.load("models", "collections:OrderedDict").__name__ == "OrderedDict"


@pytest.mark.parametrize("name", ["./none.py", "no_such_module:Name", "no.such.module"])
def test_a_plugin_that_is_not_there_is_a_sentence(name):
    with pytest.raises(UsageError, match=r"there is no (file|model)"):
        plugins.find("models", name)


def test_a_file_that_fails_to_import_says_why(tmp_path: Path):
    file = tmp_path / "broken.py"
    file.write_text("1 / 0\n")
    with pytest.raises(UsageError, match="ZeroDivisionError"):
        plugins.find("models", str(file)).load()


def test_a_file_that_is_not_python_says_the_line(tmp_path: Path):
    file = tmp_path / "broken.py"
    file.write_text("def\n")
    with pytest.raises(UsageError, match="line 1"):
        _ = plugins.find("models", str(file)).summary


def test_every_plugin_of_every_kind_says_in_one_line_what_it_is():
    for kind in plugins.KINDS:
        for name in plugins.names(kind):
            summary = plugins.find(kind, name).summary
            assert summary.endswith("."), f"{kind}/{name}: {summary!r}"
            assert len(summary) <= 120, f"{kind}/{name}: {summary!r}"
