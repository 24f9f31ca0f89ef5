"""The plain bar that the verbs draw from Python: in a terminal and in a notebook, and nowhere else."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import types

import pytest

import penjing as pj
from penjing import _bar
from penjing._bar import Bar, Stage, watching
from penjing._notebook import Notebook
from penjing.core.events import Evaluated, Finished, Progress, Started, Warned
from penjing.core.run import Run

HIDDEN, SHOWN = b"\x1b[?25l", b"\x1b[?25h"

# Two verbs' worth of work; at the end the process must be as it was.
WORK = """
import sys, time
from penjing import _bar
from penjing.core.events import Finished, Progress, Started
_bar.SHOWN_AFTER_SECONDS = 0.05
before = sys.stdout, sys.stderr
try:
    for name in ("decoding images", "training"):
        with _bar.watching("bar") as watch:
            if watch:
                watch(Started(name, 4, "steps"))
                for done in range(1, 4):
                    time.sleep(0.1)
                    watch(Progress(name, done, total=5))
            if STOP:
                raise KeyboardInterrupt
except KeyboardInterrupt:
    pass
assert (sys.stdout, sys.stderr) == before
print("drawn" if watch else "silent")
"""


def in_terminal(code: str) -> bytes:
    """What a terminal of 80 columns gets of a Python program."""
    pty = pytest.importorskip("pty")
    main, side = pty.openpty()
    import fcntl
    import struct
    import termios

    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color"}
    process = subprocess.Popen([sys.executable, "-c", code], stdin=side, stdout=side, stderr=side, env=environment)
    os.close(side)
    got = b""
    try:
        while block := os.read(main, 65536):
            got += block
    except OSError:  # how Linux says that the other side is closed
        pass
    os.close(main)
    assert process.wait(60) == 0, got
    return got


@pytest.mark.parametrize(("is_stopped", "bars"), [(False, 2), (True, 1)])
def test_a_terminal_gets_a_bar_for_each_verb_and_its_cursor_back(is_stopped, bars):
    got = in_terminal(WORK.replace("STOP", str(is_stopped)))
    assert b"decoding images" in got
    assert (b"training" in got) is not is_stopped
    assert b"3/5" in got
    assert got.count(HIDDEN) == got.count(SHOWN) == bars
    last = got[got.rindex(SHOWN) :]
    assert b"\x1b[2K" in last  # the line of the bar is wiped before anything else is written
    assert last.endswith(b"drawn\r\n")


@pytest.mark.parametrize("colour", ["", "1"])
def test_a_pipe_gets_nothing_even_where_colours_are_forced(colour):
    environment = {**os.environ, "FORCE_COLOR": colour} if colour else dict(os.environ)
    code = WORK.replace("STOP", "False")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=60, env=environment)
    assert (done.stdout, done.stderr) == (b"silent\n", b"")


def test_a_verb_in_a_pipe_is_silent(inside, capfd):
    pj.test(Run(inside / "run"))
    assert capfd.readouterr() == ("", "")


def test_a_persons_own_function_is_told_and_none_is_silence():
    heard: list[object] = []
    with watching(heard.append) as watch:
        assert watch is not None
        watch(Finished("x"))
    assert heard == [Finished("x")]
    with watching(None) as watch:
        assert watch is None


@pytest.mark.parametrize("wish", [False, "bars"])
def test_anything_else_is_refused_in_a_sentence(wish):
    with pytest.raises(pj.UsageError, match='give a function of one event, None for silence, or "bar"'):
        pj.inspect("photos", watch=wish)


class Page:
    """A drawing that remembers."""

    def __init__(self) -> None:
        self.drawn: list[tuple[str, int, int | None, str]] = []
        self.said: list[str] = []
        self.came = threading.Event()

    def say(self, text: str) -> None:
        self.said.append(text)

    def draw(self, stage: Stage) -> None:
        self.drawn.append((stage.name, stage.done, stage.total, stage.note))
        self.came.set()

    def clear(self) -> None:
        self.drawn.append(("", 0, None, ""))


def test_a_stage_that_tells_nothing_is_drawn_too(monkeypatch):
    monkeypatch.setattr(_bar, "SHOWN_AFTER_SECONDS", 0.01)
    page = Page()
    with Bar(page) as bar:
        bar(Started("honest floor"))
        assert page.came.wait(5)
    assert page.drawn[-2:] == [("honest floor", 0, None, ""), ("", 0, None, "")]


def test_a_short_stage_is_never_drawn():
    page = Page()
    with Bar(page) as bar:
        bar(Started("reading", 2))
        bar(Progress("reading", 2))
        bar(Finished("reading"))
        bar(Warned("one is damaged"))
    assert {drawn[0] for drawn in page.drawn} == {""}
    assert page.said == ["note: one is damaged"]


def test_a_bar_follows_a_plan_that_changes(monkeypatch):
    monkeypatch.setattr(_bar, "SHOWN_AFTER_SECONDS", 0.01)
    page = Page()
    with Bar(page) as bar:
        bar(Started("training", 6000, "steps"))
        assert page.came.wait(5)
        bar(Progress("training", 10, total=400))
        bar(Evaluated(20, {"train/loss": 1.0, "valid/log_loss": 0.25}))
        assert page.drawn[-2:] == [("training", 10, 400, ""), ("training", 20, 400, "valid log loss 0.250")]


class Handle:
    def __init__(self, shown: list[dict[str, str]]) -> None:
        self.shown = shown

    def update(self, bundle: dict[str, str], raw: bool) -> None:
        self.shown.append(bundle)


@pytest.fixture
def kernel(monkeypatch):
    """What a notebook was given to show."""
    shown: list[dict[str, str]] = []

    def display(bundle, raw, display_id=False):
        shown.append(bundle)
        return Handle(shown) if display_id else None

    shell = types.SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setitem(sys.modules, "IPython.display", types.SimpleNamespace(display=display))
    return shown


def test_a_notebook_gets_one_bar_in_its_place_and_an_empty_place_at_the_end(kernel):
    notebook = Notebook()
    stage = Stage("<b>", 400, "steps", done=100, note="valid accuracy 0.900", begun=0.0)
    notebook.draw(stage)
    notebook.draw(stage)  # too soon to be worth it
    notebook.clear()
    assert len(kernel) == 2
    assert kernel[0]["text/html"].startswith('&lt;b&gt; <progress value="100" max="400"></progress> 100 of 400 steps, ')
    assert kernel[0]["text/html"].endswith("left, valid accuracy 0.900")
    assert kernel[1] == {"text/html": "", "text/plain": ""}


def test_a_kernel_is_known_without_importing_ipython(kernel):
    with watching("bar") as watch:
        assert isinstance(watch, Bar)
        watch(Warned("look"))
    assert kernel == [{"text/plain": "note: look"}]
