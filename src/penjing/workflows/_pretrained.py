"""Features learned elsewhere: which encoders are at hand, and data seen through them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np

from penjing.core import cache, plugins
from penjing.core.budget import Clock
from penjing.core.errors import DataError, RunError, UsageError
from penjing.core.process import usable_cores
from penjing.core.recipe import Choice
from penjing.core.table import Column, Store
from penjing.core.units import show_seconds, typed_seconds
from penjing.modalities import text
from penjing.pretrained import installed, modalities, named, reads
from penjing.workflows._prepare import Prepared
from penjing.workflows._slots import CHUNK, Features, FileSlot, Slot, TextSlot, Values

EMBEDDING = "embedding"  # the modality of what an encoder gives
NO, AUTO = "no", "auto"
FEW_ITEMS = 200  # items of a class below which features from elsewhere are worth a line
BLOCK = 256  # rows seen through an encoder together
MEASURED, MEASURED_TEXTS = 16, 128  # items that tell what an encoder costs; texts are seen by length, hence more
SEEING_SLACK = 1.5  # times the seconds that a few items foretell, for which time is asked

Blocks = Callable[[np.ndarray], Iterator[tuple[np.ndarray, np.ndarray]]]


def at_hand(prepared: Prepared, wanted: str = AUTO) -> dict[str, Choice]:
    """Input → the encoder for it, for every input that has one installed; {} where `wanted` forbids any.

    Args:
        prepared: the data.
        wanted: "auto", "no", or what `pretrained.named` takes.

    Raises:
        UsageError: an encoder was named that does not exist, or that reads none of the inputs.
    """
    if wanted == NO:
        return {}
    if wanted == AUTO:
        found = {slot.name: installed(slot.modality) for slot in prepared.slots}
        return {name: choice.filled("pretrained") for name, choice in found.items() if choice is not None}
    choice = named(wanted).filled("pretrained")
    suited = {slot.name: choice for slot in prepared.slots if slot.modality in reads(choice)}
    if not suited:
        inputs = ", ".join(dict.fromkeys(slot.modality for slot in prepared.slots))
        raise UsageError(f"--pretrained {wanted} reads {' or '.join(reads(choice))}, and the inputs here are {inputs}")
    return suited


def doubts(encoders: Mapping[str, Choice]) -> list[str]:
    """Sentences on what the encoders' weights do not say of themselves."""
    found = []
    for choice in encoders.values():
        plugin = plugins.load("pretrained", choice.name)
        if hasattr(plugin, "doubt"):
            found.append(plugin.doubt(plugin.Settings(**choice.settings)))
    return [sentence for sentence in dict.fromkeys(found) if sentence]


def lacking(prepared: Prepared) -> list[Any]:
    """The encoders that would suit these data and are not installed, one for each input's modality."""
    known = [plugins.load("pretrained", name) for name in plugins.names("pretrained")]
    found = []
    for modality in dict.fromkeys(slot.modality for slot in prepared.slots):
        suiting = [one for one in known if modality in modalities(one) and hasattr(one, "INSTALL")]
        if suiting and not any(one.is_available() for one in suiting):
            found.append(suiting[0])
    return found


def seen_through(prepared: Prepared, encoders: Mapping[str, Choice]) -> Prepared:
    """The same data with some inputs replaced by what pretrained encoders make of them."""
    if not encoders:
        return prepared
    slots: list[Slot] = []
    for slot in prepared.slots:
        if slot.name in encoders:
            assert isinstance(slot, FileSlot | TextSlot), "encoders are for files and texts"
            slots.append(EmbeddingSlot(slot, encoders[slot.name], own_files(prepared, slot, encoders[slot.name])))
        else:
            slots.append(slot)
    return replace(prepared, slots=tuple(slots))


def own_decode(encoder: Choice, decode: Any) -> Any:
    """The settings that items are decoded with for an encoder: the input's own where it asks for no others."""
    plugin = plugins.load("pretrained", encoder.name)
    asked = plugin.decode(plugin.Settings(**encoder.settings)) if hasattr(plugin, "decode") else None
    return decode if asked is None else replace(decode, **asked)


def own_files(prepared: Prepared, slot: FileSlot | TextSlot, encoder: Choice) -> OwnFiles | None:
    """An input's items as an encoder wants them decoded; None where it takes them as the input has them."""
    if isinstance(slot, TextSlot):
        return None
    decode = own_decode(encoder, slot.decode)
    if decode == slot.decode:
        return None
    (column,) = slot.columns
    references = prepared.table.frame[column.name].to_list()
    return OwnFiles(slot.modality, decode, references, slot.hashes, prepared.table.stores[column.name])


@dataclass(frozen=True)
class OwnFiles:
    """Items decoded for an encoder, each when it is first asked for; the cache keeps them under a form of their own.

    Attributes:
        modality: the plug-in that decodes.
        decode: its settings.
        references: of every row; None where a row has no file.
        hashes: of every row's file.
        store: where they are read.
    """

    modality: str
    decode: Any
    references: Sequence[str | None]
    hashes: Sequence[str | None]
    store: Store

    def take(self, rows: np.ndarray) -> np.ndarray:
        """The decoded items of some rows (integers); zeros where there is no file.

        Raises:
            DataError: a file is gone or damaged since the data were read.
        """
        return self.opened(rows)(rows)

    def opened(self, rows: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        """`take` for any of these rows, which are all decoded now: one by one each would be files of the cache.

        Raises:
            DataError: as `take`.
        """
        form = plugins.load("modalities", self.modality).form(self.decode)
        there = np.array([row for row in np.unique(rows).tolist() if self.hashes[row] is not None], dtype=np.int64)
        cached = self._decoded(form, there) if len(there) else None

        def take(asked: np.ndarray) -> np.ndarray:
            found = np.zeros((len(asked), *form.shape), dtype=form.dtype)
            has = np.isin(asked, there)
            if cached is not None:
                found[has] = cached.take(np.searchsorted(there, asked[has]))
            return found

        return take

    def _decoded(self, form: cache.Form, rows: np.ndarray) -> cache.CachedColumn:
        """The items of rows that have a file."""
        plugin = plugins.load("modalities", self.modality)
        hashes = [str(self.hashes[row]) for row in rows.tolist()]
        wanted = dict(zip(hashes, [str(self.references[row]) for row in rows.tolist()], strict=True))
        filled = cache.fill(
            form,
            wanted,
            self.store,
            lambda content, page: plugin.decode(content, self.decode, page),
            getattr(plugin, "thumbnail", None),
            threads=usable_cores(),
            around=getattr(plugin, "while_decoding", nullcontext),
        )
        for key, why in filled.failed.items():
            raise DataError(f"{self.store.name(wanted[key])} cannot be read any more: {why}")
        return cache.open_column(form.id, hashes)


def affordable(prepared: Prepared, encoders: Mapping[str, Choice], seconds: float) -> dict[str, Choice]:
    """The encoders, the cheapest first, that see all items outside the test part within the seconds; told by a few."""
    costs, found = seeing_seconds(prepared, encoders), {}
    for name in sorted(costs, key=lambda one: costs[one]):
        seconds -= costs[name]
        if seconds >= 0:
            found[name] = encoders[name]
    return found


def check_seeing(prepared: Prepared, encoders: Mapping[str, Choice], clock: Clock, beside: float) -> None:
    """Refuse where a deadline binds and encoders would take longer than it leaves to see all items.

    Args:
        clock: of the whole command.
        beside: seconds that what comes after it takes, for the time that is asked for.

    Raises:
        RunError: they would; the message says what time would do.
    """
    if not (encoders and clock.is_binding):
        return
    seconds = sum(seeing_seconds(prepared, encoders).values())
    if seconds > clock.left:
        needed = clock.elapsed + SEEING_SLACK * seconds + beside
        raise RunError(
            f"the pretrained encoder takes {show_seconds(seconds)} to see all items, and there are "
            f"{show_seconds(clock.left)} left: give --time {typed_seconds(needed)} or more"
        )


def seeing_seconds(prepared: Prepared, encoders: Mapping[str, Choice]) -> dict[str, float]:
    """Input → the seconds that its encoder takes for all items outside the test part, told by a few of them."""
    costs: dict[str, float] = {}
    if not encoders:
        return costs
    rows = prepared.rows("train", "valid", "confirm")
    for slot in seen_through(prepared, encoders).slots:
        if isinstance(slot, EmbeddingSlot):
            slot.embed(rows[:2])  # loading the encoder is paid once
            sample = rows[2 : 2 + (MEASURED_TEXTS if isinstance(slot.base, TextSlot) else MEASURED)]
            begun = time.monotonic()
            slot.embed(sample)
            costs[slot.name] = (time.monotonic() - begun) / max(1, len(sample)) * len(rows)
    return costs


@dataclass(frozen=True)
class EmbeddingSlot:
    """An input seen through a pretrained encoder.

    Attributes:
        base: the input itself.
        encoder: which encoder, with its settings.
        files: the items as they are decoded for the encoder alone; None takes them as the input has them.
    """

    base: FileSlot | TextSlot
    encoder: Choice
    files: OwnFiles | None = None
    modality: str = EMBEDDING
    _made: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    _meant: dict[tuple[str, ...], np.ndarray] = field(default_factory=dict, repr=False, compare=False)

    @property
    def name(self) -> str:
        return self.base.name

    @property
    def columns(self) -> tuple[Column, ...]:
        return self.base.columns

    @property
    def present(self) -> np.ndarray | None:
        return self.base.present

    @property
    def settings(self) -> dict[str, Any]:
        return self.base.settings  # of the input; what the encoder decodes with is in its own settings

    def embed(self, rows: np.ndarray) -> np.ndarray:
        """Float32[rows, features]."""
        return embedded(self.encoder, self._opened(rows)(rows), self.settings)

    def blocks(self, rows: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Some rows, a block at a time, each with its vectors: Float32[block, features]."""
        take = self._opened(rows)
        for start in range(0, len(rows), BLOCK):
            block = rows[start : start + BLOCK]
            yield block, embedded(self.encoder, take(block), self.settings)

    @property
    def reads_names(self) -> bool:
        """Whether the encoder can say what a name means."""
        return hasattr(plugins.load("pretrained", self.encoder.name), "meaning")

    def meaning(self, names: tuple[str, ...]) -> np.ndarray:
        """Float32[names, features]: what the encoder makes of the names of classes."""
        if names not in self._meant:
            plugin = plugins.load("pretrained", self.encoder.name)
            self._meant[names] = plugin.meaning(names, plugin.Settings(**self.encoder.settings))
        return self._meant[names]

    def _opened(self, rows: np.ndarray) -> Callable[[np.ndarray], Any]:
        """What gives the encoder's items of any of these rows."""
        base = self.base
        if isinstance(base, TextSlot):
            return lambda asked: base.cells.gather(asked).to_list()
        return base.cached.take if self.files is None else self.files.opened(rows)

    def learn(self, rows: np.ndarray) -> dict[str, Any]:
        from penjing.modalities.embedding import front_end

        rows = rows if self.present is None else rows[self.present[rows]]
        values = self.values({})
        learned = front_end.learn(values.take(rows[start : start + CHUNK]) for start in range(0, len(rows), CHUNK))
        if not isinstance(self.base, TextSlot):
            return dict(learned)
        cells = self.base.cells.gather(rows)
        return {**learned, "words": text.learn_words(cells, text.Settings(**self.base.settings))}

    def values(self, learned: Mapping[str, Any]) -> Values:
        if "values" not in self._made:
            self._made["values"] = Embedded(self.blocks, self._count, self.item_shape({}))
        values: Values = self._made["values"]
        if "words" not in learned:
            return values
        assert isinstance(self.base, TextSlot), "only texts have words"
        return Beside(values, text.encode_words(self.base.cells.to_list(), learned["words"]))

    @property
    def _count(self) -> int:
        return len(self.base.cells) if isinstance(self.base, TextSlot) else len(self.base.cached)

    def item_shape(self, learned: Mapping[str, Any]) -> tuple[int, ...]:
        plugin = plugins.load("pretrained", self.encoder.name)
        (features,) = plugin.shape(plugin.Settings(**self.encoder.settings))
        return (features + (learned["words"]["length"] if "words" in learned else 0),)

    def features(self, rows: np.ndarray, basis: np.ndarray) -> Features:
        return self.base.features(rows, basis)


@dataclass(frozen=True)
class Beside:
    """Vectors of texts with the texts' words behind them.

    Attributes:
        vectors: of each text.
        words: uint16 [texts, words].
    """

    vectors: Values
    words: np.ndarray

    def take(self, index: np.ndarray) -> np.ndarray:
        """Float32 [n, features + words] of some rows."""
        return beside(self.vectors.take(index), self.words[index])


def beside(vectors: np.ndarray, words: np.ndarray) -> np.ndarray:
    """Float32 [n, features + words]: the vectors of texts with their words behind them, as the front end parts them."""
    return np.concatenate([vectors, words.astype(np.float32)], axis=1)


class Embedded:
    """Vectors of rows, each made when it is first asked for and then kept; what nobody asks for is never looked at.

    Args:
        blocks: rows → some of them after others, with their vectors.
        count: number of rows.
        shape: of one vector.
    """

    def __init__(self, blocks: Blocks, count: int, shape: tuple[int, ...]) -> None:
        self._blocks, self._count = blocks, count
        self._is_made = np.zeros(count, dtype=bool)
        self._kept = np.zeros((count, *shape), dtype=np.float32)

    def __len__(self) -> int:
        return self._count

    def take(self, index: np.ndarray) -> np.ndarray:
        """The vectors of some rows (integers)."""
        new = np.unique(index[~self._is_made[index]])
        for rows, vectors in self._blocks(new) if len(new) else ():
            self._kept[rows] = vectors
            self._is_made[rows] = True
        return self._kept[index]


def embedded(encoder: Choice, values: Any, decode: Mapping[str, Any]) -> np.ndarray:
    """Float32[items, features]: raw decoded items (or clean texts) seen through an encoder.

    Args:
        encoder: which.
        values: as the encoder's modality decodes them.
        decode: the settings they were decoded with.
    """
    embed = _embed_of(encoder)
    found: np.ndarray = embed(values, int(decode["rate_hz"])) if "rate_hz" in decode else embed(values)
    return found


def _embed_of(encoder: Choice) -> Callable[..., np.ndarray]:
    """The encoder, loaded. Weights that a person named may change; what reads them keeps them, and looks each time."""
    plugin = plugins.load("pretrained", encoder.name)
    if hasattr(plugin, "settled"):
        found: Callable[..., np.ndarray] = plugin.load(plugin.Settings(**encoder.settings))
        return found
    return _loaded(encoder.name, tuple(sorted(encoder.settings.items())))


@lru_cache(maxsize=2)  # one for each of two inputs; weights are large
def _loaded(name: str, settings: tuple[tuple[str, Any], ...]) -> Callable[..., np.ndarray]:
    plugin = plugins.load("pretrained", name)
    embed: Callable[..., np.ndarray] = plugin.load(plugin.Settings(**dict(settings)))
    return embed
