"""Where the paths in a table start is told by those that exist."""

from __future__ import annotations

from pathlib import Path

import pytest

from penjing.core.errors import DataError
from penjing.sources._places import find_prefix, folder_place


def test_files_that_exist_further_down_a_list_tell_where_paths_start(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "there.png").write_bytes(b"")
    gone = [f"gone{number}.png" for number in range(60)]
    place = folder_place(tmp_path)
    assert find_prefix([*gone, "there.png"], place, "list.csv") == "photos/"
    assert find_prefix([*gone * 50, *["there.png"] * 60], place, "list.csv") == "photos/"
    with pytest.raises(DataError, match=r"list\.csv names gone0\.png, and there is no such file"):
        find_prefix(gone, place, "list.csv")
