"""Nothing leaves this computer: every verb works where no connection can be made."""

from __future__ import annotations

import socket

import pytest

from penjing.cli import run_command


class ConnectionTriedError(AssertionError):
    """Somebody tried to reach another computer."""


@pytest.fixture
def no_network(monkeypatch):
    calls = []

    def refuse(*given, **_):
        calls.append(given)
        raise ConnectionTriedError(given)

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    for name in ("getaddrinfo", "gethostbyname", "create_connection"):
        monkeypatch.setattr(socket, name, refuse)
    return calls


def test_no_verb_reaches_for_the_network(inside, tmp_path, no_network):
    run = str(tmp_path / "run")
    commands = [
        ["inspect", "photos", "--sheet", str(tmp_path / "sheet.html")],
        ["fit", "photos", "--recipe", "recipe.toml", "--out", run],
        ["test", run],
        ["predict", run, "photos/noise", "--out", str(tmp_path / "answers.csv")],
        ["report", run],
        ["compare", run, "run"],
    ]
    for words in commands:
        assert run_command([*words, "--quiet"]) == 0, words
    assert no_network == []


def test_the_guard_of_this_file_notices_a_connection(no_network):
    with pytest.raises(ConnectionTriedError):
        socket.create_connection(("127.0.0.1", 9), timeout=1)
    assert no_network
