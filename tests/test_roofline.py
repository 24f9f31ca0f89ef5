"""What a benchmark says that an update costs is what a person counts by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

BENCH = str(Path(__file__).parents[1] / "bench")
FLOAT = 4  # bytes of a float32


@pytest.fixture(autouse=True)
def _on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCH)


def test_a_product_and_its_gradient_cost_three_products() -> None:
    from _traffic import counted

    x, weight = torch.randn(8, 5, requires_grad=True), torch.randn(5, 3, requires_grad=True)
    forward = counted(lambda: x @ weight)
    assert forward.flop == 2 * 8 * 5 * 3
    assert forward.size_bytes == FLOAT * (8 * 5 + 5 * 3 + 8 * 3)
    both = counted(lambda: (x @ weight).backward(torch.ones(8, 3)))
    assert both.flop == 3 * forward.flop
    # ones: 24 written; a product reads two of the three matrices and writes the other, three times
    assert both.size_bytes == FLOAT * (24 + 3 * (8 * 5 + 5 * 3 + 8 * 3))


def test_a_convolution_reads_its_maps_and_filters_and_writes_its_maps() -> None:
    from _traffic import counted

    maps, layer = torch.randn(2, 3, 6, 6), nn.Conv2d(3, 4, 3, padding=1, bias=False)
    with torch.no_grad():
        found = counted(lambda: layer(maps))
    assert found.flop == 2 * 2 * 6 * 6 * 4 * 3 * 9
    assert found.size_bytes == FLOAT * (2 * 3 * 36 + 4 * 3 * 9 + 2 * 4 * 36)


@pytest.mark.parametrize(
    ("work", "moved"),
    [
        pytest.param(lambda x: x.view(20).t(), 0, id="a view moves nothing"),
        pytest.param(lambda x: torch.empty_like(x), 0, id="nor does what is only reserved"),
        pytest.param(lambda x: torch.zeros(5), 5, id="zeros are written"),
        pytest.param(lambda x: x.relu(), 40, id="read and written"),
        pytest.param(lambda x: x.mul_(2), 40, id="in place too"),
        pytest.param(lambda x: x.add_(torch.ones(5)), 5 + 20 + 5 + 20, id="a row is read, not its repetitions"),
        pytest.param(lambda x: torch.expand_copy(torch.ones(1), (4,)), 1 + 1 + 4, id="a copy is written whole"),
        pytest.param(lambda x: torch._foreach_mul_([x, x], 2), 80, id="several at once"),
        pytest.param(lambda x: x.max(0), 20 + 5 + 10, id="indices have eight bytes"),
    ],
)
def test_bytes_are_counted_as_by_hand(work, moved: int) -> None:
    from _traffic import counted

    x = torch.ones(4, 5)
    assert counted(lambda: work(x)).size_bytes == FLOAT * moved


def test_an_optimiser_that_moves_all_weights_at_once_writes_them() -> None:
    from _traffic import counted

    weight = nn.Parameter(torch.ones(100))
    optimiser = torch.optim.Adam([weight], fused=True)
    weight.grad = torch.ones(100)
    optimiser.step()  # which makes its state
    found = counted(optimiser.step).size_bytes
    # weight, gradient, both means read; weight and both means written, the gradient may be; a step's number is small
    assert FLOAT * 700 <= found <= FLOAT * 820


OLD = {
    "batch_size": 16,
    "arithmetic": "bfloat16, 2 threads",
    "decided": {"size": "cnn, dial 0.25 (each of 3,500 items …)", "network": "cnn (it saw the items 0.2 times)"},
}


def test_a_run_without_its_network_is_read_from_what_was_decided() -> None:
    from roofline import trained_with

    found = trained_with(OLD, (1, 28, 28))
    assert found is not None
    assert (found.model.name, found.model.settings["width"]) == ("cnn", 16)
    assert found.key == "cnn, dial 0.25; 16 pictures of 28×28×1; bfloat16, 2 threads"
    raced = {**OLD, "decided": {**OLD["decided"], "network": "mlp (it was better)"}}
    assert trained_with(raced, (1, 28, 28)) is None  # how large the other one was is not told


def test_a_run_that_names_its_network_is_read_from_that() -> None:
    from roofline import trained_with

    model = {"name": "airbench", "settings": {"width": 16, "growth": 2.0, "patch": 0}}
    found = trained_with({**OLD, "model": model}, (3, 32, 32))
    assert found is not None
    assert found.key == "airbench, width 16, growth 2.0; 16 pictures of 32×32×3; bfloat16, 2 threads"


def test_an_update_costs_about_what_the_engine_says(monkeypatch: pytest.MonkeyPatch) -> None:
    import roofline

    trained = roofline.trained_with({**OLD, "arithmetic": "float32, 1 threads"}, (1, 28, 28))
    assert trained is not None
    found = roofline.measured(trained, 0.0)
    # The engine takes the gradient for twice the forward pass and leaves the optimiser out.
    assert found["flop_per_update"] == pytest.approx(found["engine_flop_per_update"], rel=0.3)
    assert found["bytes_per_update"] > 16 * 28 * 28 * FLOAT
    assert found["seconds_per_update"] > 0


def test_every_run_of_the_records_is_known_by_its_day() -> None:
    import json

    import roofline

    records = json.loads((roofline.RESULTS / "records.json").read_text(encoding="utf-8"))["result"]
    runs = roofline.runs_of(records)
    assert len(runs) == sum(len(one["runs"]) for one in records.values())
    assert all(said["date"] and said["goal"] in records for said, _ in runs)
    assert all(trained is not None for _, trained in runs)
    elsewhere = roofline.runs_of(records, {"cpu": "another", "cores": 2})
    assert [said for said, _ in elsewhere] == [said for said, _ in runs]
    assert all(trained is None for _, trained in elsewhere)
