"""Items with something wrong in them: each function takes items, how much of the fault, and draws, and gives items."""

from __future__ import annotations

import numpy as np

from clinic.data import Sample


def few(sample: Sample, strength: float, draw: np.random.Generator) -> Sample:  # noqa: ARG001 - one signature
    """So many training items, the same share of each class."""
    train = sample.rows("train")
    kept = _evenly(sample, train, int(strength))
    return sample.take(np.sort(np.concatenate([kept, sample.rows("valid"), sample.rows("test")])))


def _evenly(sample: Sample, rows: np.ndarray, count: int) -> np.ndarray:
    """`count` of the rows, of each class about the share that it has of all."""
    if not isinstance(sample.label[0], str):
        return rows[:count]
    label = np.asarray(sample.label)[rows]
    place = np.zeros(len(rows))
    for name in np.unique(label):
        of_it = label == name
        place[of_it] = (np.arange(of_it.sum()) + 0.5) / of_it.sum()
    return rows[np.argsort(place, kind="stable")[:count]]


def unpaired(sample: Sample, strength: float, draw: np.random.Generator) -> Sample:
    """A share of all labels dealt anew among their items."""
    rows = np.flatnonzero(draw.random(len(sample.label)) < strength)
    label = list(sample.label)
    for place, other in zip(rows, draw.permutation(rows), strict=True):
        label[place] = sample.label[other]
    return sample.with_label(label)


def flipped(sample: Sample, strength: float, draw: np.random.Generator) -> Sample:
    """A share of all labels replaced by another class."""
    classes = sorted(set(sample.label))
    label = [
        classes[(classes.index(one) + int(draw.integers(1, len(classes)))) % len(classes)]
        if draw.random() < strength
        else one
        for one in sample.label
    ]
    return sample.with_label(label)


def off_by_one(sample: Sample, strength: float, draw: np.random.Generator) -> Sample:  # noqa: ARG001
    """Validation labels counted from another number than training labels."""
    classes = sorted(set(sample.label))
    moved = {one: classes[(place + int(strength)) % len(classes)] for place, one in enumerate(classes)}
    pairs = zip(sample.label, sample.part, strict=True)
    return sample.with_label([moved[one] if part == "valid" else one for one, part in pairs])


def rare(sample: Sample, strength: float, draw: np.random.Generator) -> Sample:
    """The last class has this share of its items left, in all parts."""
    last = sorted(set(sample.label))[-1]
    rows = [place for place, one in enumerate(sample.label) if one != last or draw.random() < strength]
    return sample.take(np.array(rows))


def copied(sample: Sample, strength: float, draw: np.random.Generator) -> Sample:
    """Training items beside copies of themselves, until copies are this share of them."""
    train = sample.rows("train")
    kept = train[: round(len(train) * (1 - strength))]
    copies = draw.choice(kept, len(train) - len(kept))
    return sample.take(np.concatenate([kept, copies, sample.rows("valid"), sample.rows("test")]))


def leaked(sample: Sample, strength: float, draw: np.random.Generator) -> Sample:
    """A share of the validation items stands among the training items too."""
    valid = sample.rows("valid")
    copies = draw.choice(valid, max(1, round(strength * len(valid))), replace=False)
    found = sample.take(np.concatenate([np.arange(len(sample.label)), copies]))
    part = [*sample.part, *["train"] * len(copies)]
    return Sample(found.inputs, found.label, part, found.types)


def two_labels(sample: Sample, strength: float, draw: np.random.Generator) -> Sample:
    """Copies of training items under another class."""
    train = sample.rows("train")
    copies = draw.choice(train, round(strength * len(train)), replace=False)
    found = sample.take(np.concatenate([np.arange(len(sample.label)), copies]))
    classes = sorted(set(sample.label))
    other = [classes[(classes.index(sample.label[row]) + 1) % len(classes)] for row in copies]
    return found.with_label([*sample.label, *other])


def other_kind(sample: Sample, strength: float, draw: np.random.Generator) -> Sample:
    """Validation items as another camera, microphone, writer or unit would give them."""
    valid = sample.rows("valid")
    inputs = dict(sample.inputs)
    for name, values in sample.inputs.items():
        if isinstance(values, np.ndarray) and values.dtype == np.uint8:
            changed = values.copy()
            changed[valid] = np.clip(values[valid] * (1 - 0.6 * strength) + 120 * strength, 0, 255).astype(np.uint8)
            inputs[name] = changed
        elif isinstance(values, np.ndarray):
            changed = values.copy()
            noise = draw.normal(0, 0.1 * strength, values[valid].shape).astype(np.float32)
            changed[valid] = values[valid] * 0.3 + noise
            inputs[name] = changed
        elif sample.types.get(name) == "text":
            chosen = set(valid.tolist())
            inputs[name] = [_shortened(one, strength) if at in chosen else one for at, one in enumerate(values)]
        elif all(isinstance(one, float) for one in values):
            column = np.array(values)
            column[valid] = column[valid] + 2 * strength * column.std()
            inputs[name] = column.tolist()
    return Sample(inputs, sample.label, sample.part, sample.types)


def _shortened(text: str, strength: float) -> str:
    """The beginning of a text, its words in reverse."""
    words = text.split() if " " in text else list(text)
    kept = words[: max(2, round(len(words) * (1 - 0.7 * strength)))]
    return (" " if " " in text else "").join(reversed(kept))


def sorted_away(sample: Sample, strength: float, draw: np.random.Generator) -> Sample:  # noqa: ARG001
    """Rows sorted by class and the last ones taken to validate: some classes are in one part only."""
    known = np.concatenate([sample.rows("train"), sample.rows("valid")])
    label = np.asarray(sample.label)[known]
    rows = known[np.argsort(label, kind="stable")]
    train = len(sample.rows("train"))
    # A few of each class stay, or there would be nothing to learn.
    spread = int(len(rows) * (1 - strength) / 2)
    order = np.concatenate([rows[::-1][:spread], rows[: len(rows) - spread]])
    found = sample.take(np.concatenate([order, sample.rows("test")]))
    part = ["train"] * train + ["valid"] * (len(order) - train) + ["test"] * len(sample.rows("test"))
    return Sample(found.inputs, found.label, part, found.types)


def constant(sample: Sample, strength: float, draw: np.random.Generator) -> Sample:  # noqa: ARG001
    """Columns that are the same for all items, beside those that are there."""
    for number in range(int(strength)):
        sample = sample.with_input(f"unit_{number}", ["cm"] * len(sample.label), "category")
    return sample


def blank(sample: Sample, strength: float, draw: np.random.Generator) -> Sample:
    """A share of the pictures is black all over."""
    pictures = sample.inputs["image"].copy()
    pictures[draw.random(len(pictures)) < strength] = 0
    return sample.with_input("image", pictures)


def noise_columns(sample: Sample, strength: float, draw: np.random.Generator) -> Sample:
    """Columns of chance."""
    for number in range(int(strength)):
        sample = sample.with_input(f"noise_{number}", draw.normal(size=len(sample.label)).tolist())
    return sample


def answer_column(sample: Sample, strength: float, draw: np.random.Generator) -> Sample:  # noqa: ARG001
    """The answer under another name: a code for a class, another unit for a number."""
    classes = sorted(set(sample.label))
    told = [classes.index(one) if isinstance(one, str) else one * (1 + strength) + strength for one in sample.label]
    names = [f"code {place}" if isinstance(sample.label[0], str) else place for place in told]
    return sample.with_input("outcome", names)


def numbered(sample: Sample, strength: float, draw: np.random.Generator) -> Sample:  # noqa: ARG001
    """A column that counts the rows."""
    return sample.with_input("record", list(range(int(strength), int(strength) + len(sample.label))), "number")


def emptied(sample: Sample, strength: float, draw: np.random.Generator) -> Sample:
    """Half of the columns mostly empty."""
    for name in list(sample.inputs)[::2]:
        values = [None if draw.random() < strength else one for one in sample.inputs[name]]
        sample = sample.with_input(name, values)
    return sample


def marked(sample: Sample, strength: float, draw: np.random.Generator) -> Sample:  # noqa: ARG001
    """A mark at the border of each picture that stands for its class."""
    classes = sorted(set(sample.label))
    pictures = sample.inputs["image"].copy()
    width = pictures.shape[2]
    for row, one in enumerate(sample.label):
        at = round(classes.index(one) * (width - 2) / max(1, len(classes) - 1))
        pictures[row, : int(strength), at : at + 2] = 255
    return sample.with_input("image", pictures)


def spiked(sample: Sample, strength: float, draw: np.random.Generator) -> Sample:
    """A few numbers to predict that are wrong by orders of magnitude, as a slipped decimal point makes them."""
    rows = draw.choice(sample.rows("train"), 4, replace=False)
    label = list(sample.label)
    for row in rows.tolist():
        label[row] = label[row] * strength
    return sample.with_label(label)
