"""Would unrelated pictures pass for duplicates here? The self-check that sets how strictly pairs are judged.

Two things betray a threshold that is too loose. Items of different classes match, though a copy is
nearly always filed under its own class. And the nearest neighbours have no gap: where copies are real, few
items have their nearest neighbour just beyond the threshold; where everything looks alike (digits, silhouettes
of shirts) the distances go on without a break, and the threshold cuts through the middle of them.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from penjing.core import _duplicates_align as align
from penjing.core.randomness import stream

SAMPLE = 1000
# Share of sampled items that may match an item of another class.
MOST_OTHER_CLASS = 0.01
# Share of sampled items whose nearest neighbour may lie between the threshold and twice the threshold, …
MOST_BEYOND = 0.02
# … unless at least this many times as many lie below it: then there are many copies, and the gap is relative.
COPIES_PER_BEYOND = 2.0
# One odd pair in a small data set is no evidence.
FEWEST_ODD = 4
# How often the threshold may be lowered, by this factor, before only exact duplicates are looked for.
LOWERINGS, FACTOR = 12, 2**0.5
FEWEST_BLOCKS, LARGEST_BLOCK = 8, 8192
NEAREST = 3
SMOOTHED_AT_ONCE = 1024


def choose_threshold(
    thumbnails: align.Thumbnails,
    rows: Int[np.ndarray, " distinct"],
    classes: Int[np.ndarray, " items"] | None,
    loosest: float,
) -> tuple[float, tuple[str, ...]]:
    """The loosest misfit, at most `loosest`, at which unrelated items do not match.

    Args:
        thumbnails: all of them.
        rows: the distinct, recognisable ones, in an order that does not depend on that of the items.
        classes: the class of every item, −1 where unknown, or None.

    Returns:
        The threshold, 0 when no threshold separates copies from look-alikes, and what to tell people about it.
    """
    if len(rows) < 2:
        return loosest, ()
    sample = stream(0, "duplicates:sample").choice(len(rows), min(SAMPLE, len(rows)), replace=False)
    any_class, other_class = _nearest(thumbnails, rows, sample, classes)
    for lowerings in range(LOWERINGS + 1):
        threshold = loosest / FACTOR**lowerings
        if _separates(threshold, any_class, other_class):
            return threshold, _sentences(lowerings, any_class, other_class, loosest)
    return 0.0, _sentences(None, any_class, other_class, loosest)


def _separates(
    threshold: float, any_class: Float[np.ndarray, " sample"], other_class: Float[np.ndarray, " sample"]
) -> bool:
    count = len(any_class)
    copies = (any_class <= threshold).sum()
    beyond = (any_class <= 2 * threshold).sum() - copies
    other = (other_class <= threshold).sum()
    few_beyond = beyond <= max(MOST_BEYOND * count, copies / COPIES_PER_BEYOND, FEWEST_ODD)
    return bool(few_beyond and other <= max(MOST_OTHER_CLASS * count, FEWEST_ODD))


def _sentences(
    lowerings: int | None,
    any_class: Float[np.ndarray, " sample"],
    other_class: Float[np.ndarray, " sample"],
    loosest: float,
) -> tuple[str, ...]:
    if lowerings == 0:
        return ()
    share = (any_class <= loosest).mean()
    shown = f"{share:.0%}" if share >= 0.01 else "Under 1%"
    alike = f"{shown} of {len(any_class):,} sampled items have a look-alike"
    across = (other_class <= loosest).mean()
    if across > 0:
        alike += f" ({across:.0%} in another class)"
    if lowerings is None:
        return (
            f"{alike}, so near-duplicates cannot be told from different items; only exact duplicates are kept together",
        )
    return (f"{alike}, so near-duplicates are judged {FACTOR**lowerings:.2g} times as strictly",)


def _nearest(
    thumbnails: align.Thumbnails,
    rows: Int[np.ndarray, " distinct"],
    sample: Int[np.ndarray, " sample"],
    classes: Int[np.ndarray, " items"] | None,
) -> tuple[Float[np.ndarray, " sample"], Float[np.ndarray, " sample"]]:
    """The misfit of every sampled item to its nearest item, and to its nearest item of another class."""
    queries = _directions(thumbnails[rows[sample]])
    size = min(LARGEST_BLOCK, -(-len(rows) // FEWEST_BLOCKS))
    likeness, place = [], []
    for start in range(0, len(rows), size):
        here = rows[start : start + size]
        close = queries @ _directions(thumbnails[here]).T
        own = (sample >= start) & (sample < start + len(here))
        close[own, sample[own] - start] = -1
        other = np.where(_differ(classes, rows[sample], here), close, -1)
        best = np.stack([close.argmax(axis=1), other.argmax(axis=1)])
        likeness.append(np.stack([close.max(axis=1), other.max(axis=1)]))
        place.append(here[best])
    misfits = [
        _least_misfit(thumbnails, rows[sample], np.stack(likeness)[:, side], np.stack(place)[:, side])
        for side in (0, 1)
    ]
    return misfits[0], misfits[1]


def _least_misfit(
    thumbnails: align.Thumbnails,
    rows: Int[np.ndarray, " sample"],
    likeness: Float[np.ndarray, "blocks sample"],
    place: Int[np.ndarray, "blocks sample"],
) -> Float[np.ndarray, " sample"]:
    """The least misfit to the most alike of the items that the blocks proposed."""
    least = np.ones(len(rows), np.float32)
    for pick in np.argsort(-likeness, axis=0)[:NEAREST]:
        at = np.arange(len(rows))
        found = align.misfit(thumbnails[rows], thumbnails[place[pick, at]])
        least = np.where(likeness[pick, at] > 0, np.minimum(least, found), least)
    return least


def _directions(thumbnails: UInt8[np.ndarray, "n side side"]) -> Float[np.ndarray, "n pixels"]:
    """Smoothed thumbnails as vectors of length one and mean zero, so that their product is their correlation."""
    blocks = (thumbnails[start : start + SMOOTHED_AT_ONCE] for start in range(0, len(thumbnails), SMOOTHED_AT_ONCE))
    flat = np.concatenate([align.smooth(block) for block in blocks]).reshape(len(thumbnails), -1)
    flat -= flat.mean(axis=1, keepdims=True)
    return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)


def _differ(
    classes: Int[np.ndarray, " items"] | None, one: Int[np.ndarray, " sample"], other: Int[np.ndarray, " block"]
) -> Bool[np.ndarray, "sample block"]:
    """Whether two items are known to be of different classes."""
    if classes is None:
        return np.zeros((len(one), len(other)), bool)
    mine, theirs = classes[one][:, None], classes[other][None, :]
    return (mine != theirs) & (mine >= 0) & (theirs >= 0)
