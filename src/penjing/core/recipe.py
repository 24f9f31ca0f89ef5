"""Every choice of one training, as one frozen tree that is written to and read from TOML.

The same recipe gives the same weights bit for bit on the same data, versions, CPU and threads. A recipe holds
choices only; where and when it was carried out is in `run.json`. Newer code reads every older `format`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import tomli_w

from penjing.core import plugins
from penjing.core.errors import UsageError, did_you_mean

FORMAT = 1
LONGEST_RUN = 4  # words that the wide part looks at together


@dataclass(frozen=True)
class Choice:
    """A plug-in by name, with its settings.

    Attributes:
        name: what people type, such as "cnn".
        settings: values for its `Settings`; what is left out takes the default.
    """

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    def filled(self, kind: str) -> Choice:
        """The same choice with every default written out, so that a recipe does not change when a default does.

        Raises:
            UsageError: a setting does not exist, or its value is of another type than its default.
        """
        defaults = plugins.find(kind, self.name).defaults
        for name in self.settings:
            if name not in defaults:
                raise UsageError(f'{self.name} has no setting "{name}"; {did_you_mean(name, defaults)}')
        given = {name: _typed(name, defaults[name], value, self.name) for name, value in self.settings.items()}
        return Choice(self.name, {**defaults, **given})


@dataclass(frozen=True)
class DataChoices:
    """What of the data is learned, and in what form.

    Attributes:
        inputs: the input columns; empty means all.
        target: the target column; empty means the source's.
        decode: input column → the settings its modality decodes with, such as {"image": {"side": 32}}.
        classes: the class names, in the order of the network's outputs.
        drop: items left out, by hash: every copy outside a given test part; "HASH#2" is the second item of that content
            only, where a person treated copies differently or named an item of a given test part.
        relabel: item, named as in `drop` → the class it is taken to be.
    """

    inputs: tuple[str, ...] = ()
    target: str = ""
    decode: Mapping[str, Any] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    relabel: Mapping[str, str] = field(default_factory=dict)

    @property
    def table(self) -> tuple[str, ...]:
        """The input columns that one input joins; each of the others is an input by its own name."""
        return tuple(column for column in self.inputs if column not in self.decode)


@dataclass(frozen=True)
class SplitChoices:
    """How items are dealt into parts.

    Attributes:
        seed: fixed and independent of the training seed, so all runs on the same items share one test part.
        folds: number of cross-validation folds, or 0 for one validation part.
        fold: the fold that validates, 0 to folds − 1; −1 where there are no folds.
        final: whether the validation part is trained on too (a refit before the test).
    """

    seed: int = 0
    folds: int = 0
    fold: int = -1
    final: bool = False


@dataclass(frozen=True)
class Training:
    """How the weights are learned.

    Attributes:
        steps: the number of updates.
        replans: (step, new total) pairs; at that step the rest of the schedule was stretched to the new total.
        batch_size: items per update; 0 means the whole training part (gradient descent as published).
        evaluations: how many times validation is measured, evenly spread, the last one at the end.
        patience: stop after this many evaluations without a better one; 0 never stops early.
        ema: share of the old average kept at each step by the moving average of the weights; 0 keeps none.
        clip_norm: the largest norm of a gradient; 0 does not clip.
        mixup: how strongly items are laid over one another while training, the α of mixup; 0 does not. Texts are not.
        cutmix: how large pieces of other pictures are put into each while training, the α of cutmix; 0 does not.
        teacher: share of what is learned that the moving average of the weights says, 0 to under 1; 0 has no teacher,
            and one needs `ema`.
        views: 1 answers from a picture as it is; 2 from it and its mirror image, which takes twice as long.
        border: share of a picture's side, at either end, that the network never sees, neither while it learns nor when
            it answers; 0 to under 0.5.
    """

    steps: int = 1000
    replans: tuple[tuple[int, int], ...] = ()
    batch_size: int = 128
    evaluations: int = 10
    patience: int = 0
    ema: float = 0.0
    clip_norm: float = 0.0
    views: int = 1
    mixup: float = 0.0
    cutmix: float = 0.0
    teacher: float = 0.0
    border: float = 0.0


@dataclass(frozen=True)
class Fusion:
    """How several inputs become one feature vector; with one input there is nothing to join.

    Attributes:
        width: features of each input, and of all of them joined.
        dropout: share of them silenced while training, 0 to below 1.
        modality_dropout: share of training items of which one input is hidden, 0 to below 1, so that an input that is
            missing later is survived.
    """

    width: int = 128
    dropout: float = 0.1
    modality_dropout: float = 0.2


@dataclass(frozen=True)
class Wide:
    """The linear model of runs of words that is learned beside a network of texts and added to what it says.

    Attributes:
        longest: words in a row that are looked at together, 1 to 4; 0 has no such model.
        strength: of what it learns, above 0: the greater, the less regularised (the C of scikit-learn).
        smoothing: what each run is counted more in every class, above 0.
    """

    longest: int = 0
    strength: float = 3.0
    smoothing: float = 0.3


@dataclass(frozen=True)
class Names:
    """What the names of the classes say of them, to an encoder that knows their language, before anything is learned.

    Attributes:
        strength: how much of it a linear head begins with and is held to, 0 or more; 0 takes no notice of names.
    """

    strength: float = 0.0


@dataclass(frozen=True)
class Machine:
    """Choices that change how the arithmetic is done, hence the last bits of the weights.

    Attributes:
        device: "cpu", "cuda" or "mps".
        threads: threads of one operation.
        layout: "channels_last" or "contiguous".
        number_format: "float32", "bfloat16" or "float16" (for the forward and backward pass; weights stay float32).
        compile: whether torch compiles the network before its first update, which takes a minute and needs a compiler.
    """

    device: str = "cpu"
    threads: int = 1
    layout: str = "channels_last"
    number_format: str = "float32"
    compile: bool = False


@dataclass(frozen=True)
class Recipe:
    """Every choice of one training. See the module's docstring.

    `model` is the network of the only input. Where there are several, `encoders` has one for each, by the input's name,
    and `model` serves those that it does not name. An input that `pretrained` names is seen through that encoder, whose
    weights were learned elsewhere and stay as they are.
    """

    seed: int = 0
    data: DataChoices = field(default_factory=DataChoices)
    split: SplitChoices = field(default_factory=SplitChoices)
    task: Choice = field(default_factory=lambda: Choice("classify"))
    augment: tuple[Choice, ...] = ()
    model: Choice = field(default_factory=lambda: Choice("cnn"))
    encoders: Mapping[str, Choice] = field(default_factory=dict)
    pretrained: Mapping[str, Choice] = field(default_factory=dict)
    fusion: Fusion = field(default_factory=Fusion)
    wide: Wide = field(default_factory=Wide)
    names: Names = field(default_factory=Names)
    optimiser: Choice = field(default_factory=lambda: Choice("adamw"))
    schedule: Choice = field(default_factory=lambda: Choice("one_cycle"))
    training: Training = field(default_factory=Training)
    machine: Machine = field(default_factory=Machine)
    format: int = FORMAT

    @property
    def id(self) -> str:
        """A short hash of every choice; two recipes with one id are the same recipe."""
        canonical = json.dumps(to_dict(self), sort_keys=True, ensure_ascii=False)
        return hashlib.blake2b(canonical.encode(), digest_size=6).hexdigest()

    def filled(self) -> Recipe:
        """The same recipe with the defaults of every plug-in written out.

        Raises:
            UsageError: a plug-in or a setting does not exist, or a value is out of range.
        """
        _check_ranges(self)
        return replace(
            self,
            task=self.task.filled("tasks"),
            augment=tuple(choice.filled("augmentations") for choice in self.augment),
            model=self.model.filled("models"),
            encoders={name: choice.filled("models") for name, choice in self.encoders.items()},
            pretrained={name: choice.filled("pretrained") for name, choice in self.pretrained.items()},
            optimiser=self.optimiser.filled("optimisers"),
            schedule=self.schedule.filled("schedules"),
        )

    def to_toml(self) -> str:
        """The recipe as a TOML text, which `from_toml` reads back as the same recipe."""
        return tomli_w.dumps(to_dict(self))

    @staticmethod
    def from_toml(text: str, name: str = "the recipe") -> Recipe:
        """The recipe in a TOML text.

        Raises:
            UsageError: it is not TOML, or holds a key or a value that a recipe does not have.
        """
        try:
            found = tomllib.loads(text)
        except tomllib.TOMLDecodeError as problem:
            raise UsageError(f"{name} is not valid TOML: {problem}") from problem
        return from_dict(found, name)

    @staticmethod
    def read(path: Path) -> Recipe:
        """The recipe in a file.

        Raises:
            UsageError: the file is missing or is not a recipe.
        """
        if not path.is_file():
            raise UsageError(f"there is no recipe file {path}")
        return Recipe.from_toml(path.read_text(encoding="utf-8"), str(path))


_OF_MACHINE = {
    "device": ("cpu", "cuda", "mps"),
    "layout": ("channels_last", "contiguous"),
    "number_format": ("float32", "bfloat16", "float16"),
}
_BY_INPUT = ("encoders", "pretrained")  # an input's name → a choice
_CHOICES = {"task": "tasks", "model": "models", "optimiser": "optimisers", "schedule": "schedules"}


def to_dict(recipe: Recipe) -> dict[str, Any]:
    """The recipe as plain values, `format` first, a choice as one flat table with its `name` first."""
    found: dict[str, Any] = {"format": recipe.format}
    for item in fields(recipe):
        value = getattr(recipe, item.name)
        if isinstance(value, Choice):
            found[item.name] = {"name": value.name, **_plain(value.settings)}
        elif item.name in _BY_INPUT:
            found[item.name] = {
                name: {"name": choice.name, **_plain(choice.settings)} for name, choice in sorted(value.items())
            }
        elif item.name == "augment":
            found[item.name] = [{"name": choice.name, **_plain(choice.settings)} for choice in value]
        elif dataclasses.is_dataclass(value):
            found[item.name] = {part.name: _plain(getattr(value, part.name)) for part in fields(value)}
        else:
            found[item.name] = value
    return found


def from_dict(found: Mapping[str, Any], name: str = "the recipe") -> Recipe:
    """The recipe in plain values; what is left out takes its default.

    Raises:
        UsageError: a key or a value that a recipe does not have; the message names it.
    """
    default = Recipe()
    if found.get("format", FORMAT) > FORMAT:
        raise UsageError(f"{name} has format {found['format']}; this penjing reads up to {FORMAT}: upgrade penjing")
    known = {item.name for item in fields(Recipe)}
    given: dict[str, Any] = {}
    for key, value in found.items():
        if key not in known:
            raise UsageError(f'{name} has an unknown key "{key}"; {did_you_mean(key, known)}')
        if key in _CHOICES:
            given[key] = _choice(key, value, name)
        elif key == "augment":
            if not isinstance(value, list | tuple):
                raise UsageError(f'{name}: "augment" must be a list of tables with a name, not {value!r}')
            given[key] = tuple(_choice(key, item, name) for item in value)
        elif key in _BY_INPUT:
            if not isinstance(value, Mapping):
                raise UsageError(f'{name}: "{key}" must be a table of inputs, each with a name, not {value!r}')
            given[key] = {column: _choice(f"{key}.{column}", item, name) for column, item in value.items()}
        elif dataclasses.is_dataclass(getattr(default, key)):
            given[key] = _section(key, getattr(default, key), value, name)
        else:
            given[key] = _typed(key, getattr(default, key), value, name)
    return replace(default, **{**given, "format": FORMAT})


def change(recipe: Recipe, assignments: Mapping[str, Any]) -> Recipe:
    """The recipe with some choices set by hand.

    Args:
        assignments: dotted key → value, such as {"model.width": 64} or {"model": "mlp"}. Setting a plug-in's name
            resets its settings to that plug-in's defaults.

    Raises:
        UsageError: there is no such choice, or the value cannot be one.
    """
    found = to_dict(recipe)
    for dotted, value in assignments.items():
        head, *rest = dotted.split(".")
        if head in _CHOICES and (not rest or rest == ["name"]):
            found[head] = {"name": value}
            continue
        if head in _BY_INPUT and (len(rest) == 1 or rest[1:] == ["name"]):
            found[head][rest[0]] = {"name": value}
            continue
        place: Any = found
        for part in [head, *rest][:-1]:
            if not isinstance(place, dict) or part not in place:
                raise UsageError(f'there is no choice "{dotted}"; {did_you_mean(part, place)}')
            place = place[part]
        if not isinstance(place, dict):
            raise UsageError(f'there is no choice "{dotted}"')
        if head not in _CHOICES and head not in ("data", *_BY_INPUT) and dotted.rsplit(".")[-1] not in place:
            raise UsageError(f'there is no choice "{dotted}"; {did_you_mean(dotted.split(".")[-1], place)}')
        place[dotted.split(".")[-1]] = value
    return from_dict(found).filled()


def uncompiled(recipe: Recipe) -> Recipe:
    """The recipe without compiled code, which takes a minute to make: for trainings that only tell something."""
    return replace(recipe, machine=replace(recipe.machine, compile=False))


def parse_value(text: str) -> Any:
    """A value as typed on a command line: a TOML value (64, 0.1, true, [1, 2]) or else the text itself."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _check_ranges(recipe: Recipe) -> None:
    training, machine, wide = recipe.training, recipe.machine, recipe.wide
    least = {"steps": 1, "evaluations": 1}
    least |= dict.fromkeys(("batch_size", "patience", "ema", "clip_norm", "mixup", "cutmix", "teacher"), 0)
    for part, smallest in least.items():
        if getattr(training, part) < smallest:
            raise UsageError(f"training.{part} = {getattr(training, part)} must be {smallest} or more")
    if not 0 <= training.border < 0.5:
        raise UsageError(f"training.border = {training.border} must be 0 to under 0.5 of a picture's side")
    if training.views not in (1, 2):
        raise UsageError(f"training.views = {training.views} must be 1 or 2")
    if not 0 <= wide.longest <= LONGEST_RUN:
        raise UsageError(f"wide.longest = {wide.longest} must be 0 to {LONGEST_RUN}")
    for part in ("strength", "smoothing"):
        if not getattr(wide, part) > 0:
            raise UsageError(f"wide.{part} = {getattr(wide, part)} must be above 0")
    if not 0 <= recipe.names.strength < float("inf"):
        raise UsageError(f"names.strength = {recipe.names.strength} must be 0 or more")
    for part in ("ema", "teacher"):
        if getattr(training, part) >= 1:
            raise UsageError(f"training.{part} = {getattr(training, part)} must be below 1")
    if training.teacher and not training.ema:
        raise UsageError("training.teacher needs a moving average of the weights: training.ema must be above 0")
    if machine.threads < 1:
        raise UsageError(f"machine.threads = {machine.threads} must be 1 or more")
    rate = recipe.optimiser.settings.get("rate", 1.0)
    if isinstance(rate, int | float) and not 0 < rate < float("inf"):
        raise UsageError(f"optimiser.rate = {rate} must be above 0")
    for part, known in _OF_MACHINE.items():
        if getattr(machine, part) not in known:
            raise UsageError(
                f'machine.{part} = "{getattr(machine, part)}"; {did_you_mean(getattr(machine, part), known)}'
            )


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _choice(key: str, value: Any, name: str) -> Choice:
    if isinstance(value, str):
        return Choice(value)
    if not isinstance(value, Mapping) or not isinstance(value.get("name"), str):
        raise UsageError(f'{name}: "{key}" must have a name, such as {key} = {{ name = "…" }}, not {value!r}')
    return Choice(value["name"], {setting: item for setting, item in value.items() if setting != "name"})


def _section(key: str, default: Any, value: Any, name: str) -> Any:
    if not isinstance(value, Mapping):
        raise UsageError(f'{name}: "{key}" must be a table, not {value!r}')
    known = {item.name: getattr(default, item.name) for item in fields(default)}
    for part in value:
        if part not in known:
            raise UsageError(f'{name} has an unknown key "{key}.{part}"; {did_you_mean(part, known)}')
    return replace(default, **{part: _typed(f"{key}.{part}", known[part], item, name) for part, item in value.items()})


def _typed(key: str, default: Any, value: Any, name: str) -> Any:
    if isinstance(default, bool) != isinstance(value, bool):
        raise UsageError(f"{name}: {key} = {value!r} should look like {_plain(default)!r}")
    if isinstance(default, float) and isinstance(value, int):
        return float(value)
    if isinstance(default, tuple) and isinstance(value, list | tuple):
        return tuple(tuple(item) if isinstance(item, list | tuple) else item for item in value)
    if isinstance(default, Mapping) and isinstance(value, Mapping):
        return dict(value)
    if type(value) is not type(default):
        raise UsageError(f"{name}: {key} = {value!r} should look like {_plain(default)!r}")
    return value
