"""What each column of a table is for, and what the inputs are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import polars as pl

from penjing.core import plugins
from penjing.core.errors import UsageError, did_you_mean
from penjing.modalities._recognise import IGNORE, Recognised, recognise
from penjing.sources._cells import Told
from penjing.sources._groups import Guess, guess_of_column
from penjing.sources._media import TEXT, is_of_files, modality_of, plural
from penjing.sources._options import Options
from penjing.sources._parts import part_of
from penjing.sources._target import LABELS
from penjing.sources._words import many

LABEL_NAMES = (
    "label",
    "class",
    "target",
    "category",
    "y",
    "labels",
    "classes",
    "class_name",
    "标签",
    "类别",
    "分类",
    "类",
)
PART_NAMES = ("split", "part", "subset", "partition", "set", "fold", "划分", "数据集", "集合")
GROUP_NAMES = ("group", "groups", "组", "分组")
# A column of rows of numbers that is called so holds sounds.
SOUNDS = ("audio", "sound", "wave", "speech", "声音", "音频")
# Columns that often name what belongs together, but are never taken as groups without being asked.
_LIKELY_GROUPS = frozenset(
    [
        "patient",
        "subject",
        "participant",
        "animal",
        "mouse",
        "person",
        "who",
        "individual",
        "volunteer",
        "donor",
        "owner",
        "child",
        "pupil",
        "user",
        "author",
        "speaker",
        "customer",
        "client",
        "student",
        "site",
        "hospital",
        "病人",
        "患者",
        "用户",
        "作者",
        "说话人",
        "受试者",
        "医院",
        "客户",
        "学生",
        "谁",
        "参与者",
        "动物",
    ]
)
_GROUP_ENDINGS = ("_id", "_name", "_number", "_no", "id", "编号")
# A column is one of files when this share of its cells is named so; so many cells are looked at.
_SHARE, _LOOK = 0.8, 200
# Among fewer rows, all cells are easily different.
_MANY_ROWS = 20
_MOST_DOUBTS = 10  # columns whose reading is doubted one by one
# A second label beside the label, such as fine_label, tells it away.
_LABEL_WORDS = frozenset(("label", "labels", "target"))


@dataclass(frozen=True)
class Roles:
    """The columns by what they are for.

    Attributes:
        inputs: what each input is, in the order of the table.
        targets: the columns to be predicted; several are labels.
        part, group, time: a column each, or None.
        left_out: column → why it is no input.
        questioned: columns that may hold groups and were not taken as such, with what to say of each.
    """

    inputs: dict[str, Recognised]
    targets: tuple[str, ...] = ()
    part: str | None = None
    group: str | None = None
    time: str | None = None
    left_out: dict[str, str] = field(default_factory=dict)
    questioned: dict[str, Guess] = field(default_factory=dict)

    @cached_property
    def files(self) -> list[str]:
        """The inputs that are columns of files."""
        return [name for name, found in self.inputs.items() if is_of_files(found.modality)]


def find_roles(frame: pl.DataFrame, options: Options, name: str) -> Roles:
    """What each column is for; the options go before what is recognised.

    Args:
        frame: the cells, text or pictures.
        options: any of them may name columns.
        name: what to call the table in messages.

    Raises:
        UsageError: an option names a column that does not exist, or it is not clear which column is the label; the
            message lists the columns.
    """
    options = replace(options, inputs=_listed(frame, options.inputs))
    _check_options(frame, options, name)
    asked = set(options.inputs)
    taken: set[str | None] = set(asked)
    part, no_part = _part(frame, options, taken)
    taken.add(part)
    said_type = {column for column, kind in options.types.items() if kind != IGNORE}
    group = options.group or _named(frame, GROUP_NAMES, {*taken, *said_type, *_target_names(frame, options)})
    taken |= {group, options.time_column or None}
    targets = _given_targets(frame, options, name)
    if not targets and options.target != "none":
        named = _named(frame, LABEL_NAMES, taken)
        targets = (named,) if named else ()
    left_out = dict(no_part)
    taken |= set(targets)
    questioned = [column for column in frame.columns if column not in taken and _may_group(frame[column])]
    for column in questioned:
        if column not in said_type:
            left_out[column] = "may hold groups"
    if options.target == "none":
        named = _named(frame, LABEL_NAMES, {*taken, *said_type})
        left_out |= {named: "named like a label"} if named else {}
    elif targets:
        settled = taken | said_type
        for column in frame.columns:
            if column not in settled and _is_another_label(column):
                left_out[column] = f'named like a label beside "{targets[0]}"'
    candidates = [column for column in frame.columns if column in asked] or [
        column for column in frame.columns if column not in taken and column not in left_out
    ]
    kinds = {column: _recognise(frame[column], options.types.get(column)) for column in candidates}
    if not targets and options.target != "none" and not asked:
        targets = _only_one_left(frame, kinds, name)
    inputs = _inputs(kinds, targets, asked, left_out)
    is_questioned = not group and not options.group_from
    told = said_type | asked
    numbered = [column for column, found in inputs.items() if found.modality == "category" and column not in told]
    guesses = {column: guess_of_column(frame[column], column in questioned) for column in (*questioned, *numbered)}
    return Roles(
        inputs,
        targets,
        part,
        group,
        options.time_column or None,
        {} if asked else left_out,
        {column: found for column, found in guesses.items() if found and is_questioned},
    )


def is_named_like_a_label(column: str, options: Options) -> bool:
    """Whether a column is the target by what was said, or by its name where nothing was."""
    if options.target:
        return column == options.target or column in [name.strip() for name in options.target.split(",")]
    return column.strip().casefold() in LABEL_NAMES


def told_by(options: Options) -> Told:
    """What the options and names say of columns before they are looked at: rows of numbers become columns, but not
    where they are known to be something else."""

    def is_spread(column: str) -> bool | None:
        is_one = column in options.types or column.casefold() in SOUNDS or is_named_like_a_label(column, options)
        return False if is_one else None

    return Told(is_spread, options.asks_for)


def check_inputs(roles: Roles, name: str) -> None:
    """Raises:
    UsageError: there is no input; the message says why each column is none.
    """
    if roles.inputs:
        return
    why = "; ".join(f"{column}: {reason}" for column, reason in list(roles.left_out.items())[:5])
    more = " …" if len(roles.left_out) > 5 else ""
    raise UsageError(
        f"{name} has no column to learn from"
        + (f" ({why}{more}); to use one all the same: --type COLUMN=MODALITY" if why else "")
    )


def describe(roles: Roles) -> tuple[list[str], list[str]]:
    """What to say and what to doubt about the columns, in a few short lines whatever their number."""
    said = []
    column, found = next(iter(roles.inputs.items()))
    if len(roles.inputs) == 1 and (roles.files or found.modality == TEXT):
        said.append(f'The column "{column}" holds the {plural(found.modality)}')
        if roles.left_out:
            said.append(f"{many(len(roles.left_out), 'column')} left out{_reasons(roles.left_out)}")
    else:
        said.append(_line(roles))
    questioned = [found.doubt for found in roles.questioned.values()]
    doubts = [
        f'The column "{column}" is read as {found.modality}: {found.doubt}; see --type {column}=MODALITY'
        for column, found in roles.inputs.items()
        if found.doubt
    ]
    more = len(doubts) - _MOST_DOUBTS
    rest = [f"So there is a doubt about how to read {many(more, 'other column')}"] if more > 0 else []
    return said, [*questioned, *doubts[:_MOST_DOUBTS], *rest]


def _line(roles: Roles) -> str:
    """ "19 columns: 4 numbers, 15 categories; 1 left out (customerID: every row has its own code)"."""
    kinds: dict[str, list[str]] = {}
    for column, found in roles.inputs.items():
        kinds.setdefault(found.modality, []).append(column)
    parts = [_kind(kind, columns) for kind, columns in kinds.items()]
    more = f"; {len(roles.left_out)} left out{_reasons(roles.left_out)}" if roles.left_out else ""
    return f"{many(len(roles.inputs), 'column')}: {', '.join(parts)}{more}"


def _kind(kind: str, columns: Sequence[str]) -> str:
    word = {"category": "categories"}.get(kind, f"{kind}s") if len(columns) != 1 else kind
    return f"{len(columns)} {word}" + (f' "{columns[0]}"' if len(columns) == 1 else "")


def _reasons(left_out: Mapping[str, str], most: int = 3) -> str:
    listed = "; ".join(f"{column}: {reason}" for column, reason in list(left_out.items())[:most])
    return f" ({listed}{' …' if len(left_out) > most else ''})"


# ---- what the options say


def _check_options(frame: pl.DataFrame, options: Options, name: str) -> None:
    for column in options.inputs:
        _check(frame, column, "--input", name)
    if options.group:
        _check(frame, options.group, "--group", name)
    if options.time_column:
        _check(frame, options.time_column, "--time-column", name)
        if options.split not in ("", "none"):
            raise UsageError(
                f"--time-column {options.time_column} and --split {options.split} both say which items are the test; "
                "give one of them"
            )
    for column in options.files:
        _check(frame, column, "--files", name)
    known = [*(one for one in plugins.names("modalities") if one != "table"), LABELS, IGNORE]
    for column, kind in options.types.items():
        _check(frame, column, "--type", name)
        if kind not in known:
            raise UsageError(f'--type {column}={kind}: there is no modality "{kind}"; {did_you_mean(kind, known)}')


def _given_targets(frame: pl.DataFrame, options: Options, name: str) -> tuple[str, ...]:
    found = _target_names(frame, options)
    for column in found:
        _check(frame, column, "--target", name)
        if options.types.get(column) == IGNORE:
            raise UsageError(f"--target {column} and --type {column}={IGNORE} say the contrary; take one away")
        if column in options.inputs:
            raise UsageError(f"--target {column} and --input {column}: the target cannot be an input too")
    return found


def _target_names(frame: pl.DataFrame, options: Options) -> tuple[str, ...]:
    """The columns that `--target` names; a column's name may hold a comma."""
    return () if options.target in ("", "none") else _listed(frame, (options.target,))


def _listed(frame: pl.DataFrame, names: Sequence[str]) -> tuple[str, ...]:
    """Names of columns, one each; a name with commas is several, unless a column is called so."""
    parts = [[name] if name in frame.columns else name.split(",") for name in names]
    return tuple(dict.fromkeys(one.strip() for some in parts for one in some if one.strip()))


def _check(frame: pl.DataFrame, column: str, option: str, name: str) -> str:
    if column not in frame.columns:
        raise UsageError(f'{option} {column}: {name} has no column "{column}"; {did_you_mean(column, frame.columns)}')
    return column


# ---- what the names and cells say


def _part(frame: pl.DataFrame, options: Options, taken: set[str | None]) -> tuple[str | None, dict[str, str]]:
    """The column with the given split, or the one that is only named so, with what it holds instead of parts."""
    if options.split in frame.columns:
        return options.split, {}
    column = _named(frame, PART_NAMES, {*taken, *_target_names(frame, options), *options.types, options.time_column})
    if column is None or frame[column].dtype != pl.String:
        return None, {}
    values = frame[column].drop_nulls().unique(maintain_order=True)
    odd = next((value for value in values if not part_of(value)), None)
    if odd is not None:
        return None, {column: f'named like a split, holds "{odd}"'}
    if options.time_column:
        return None, {column: "a split, but the parts are dealt by time"}
    if options.split in ("", "folder"):
        return column, {}
    return None, {column: "a split, not asked for"}


def _recognise(cells: pl.Series, given: str | None) -> Recognised:
    """What a column is. One that names a file is one of files, even if it names the same in every row."""
    if given is None and cells.dtype == pl.String:
        known = cells.drop_nulls().head(_LOOK).to_list()
        kind = modality_of(known[0]) if known else None
        if kind and sum(modality_of(name) == kind for name in known) >= _SHARE * len(known):
            return Recognised(kind, 1.0, f"its cells name files like {known[0]}")
    return recognise(cells, given)


def _may_group(cells: pl.Series) -> bool:
    """Whether a column is named like a person, an animal or a place, and does not name another in each of many rows."""
    name = cells.name.strip().casefold().replace(" ", "_")
    if cells.dtype == pl.Object or (len(cells) >= _MANY_ROWS and cells.n_unique() == len(cells)):  # Object: arrays
        return False
    bare = next((name.removesuffix(end) for end in _GROUP_ENDINGS if name.endswith(end)), name)
    return name in _LIKELY_GROUPS or bare in _LIKELY_GROUPS


def _is_another_label(column: str) -> bool:
    return bool(_LABEL_WORDS & set(column.strip().casefold().replace(" ", "_").replace("-", "_").split("_")))


def _only_one_left(frame: pl.DataFrame, kinds: Mapping[str, Recognised], name: str) -> tuple[str, ...]:
    """The label where no column is named so: the only one beside files or a text.

    Raises:
        UsageError: several could be.
    """
    items = [column for column, found in kinds.items() if found.modality == TEXT or is_item(found)]
    files = [column for column, found in kinds.items() if is_item(found)]
    others = [column for column in kinds if column not in items and not _tells_nothing(frame[column])]
    if files and not others:
        others = [column for column in items if column not in files]
    if len(frame.columns) == 1 and not items:
        raise UsageError(f'{name} has one column, "{frame.columns[0]}", and nothing beside it to learn from')
    if len(others) > 1 or (others and not items):
        raise UsageError(
            f"it is not clear which column of {name} holds the label; say --target NAME or --target none, {_all(frame)}"
        )
    return tuple(others)


def is_item(found: Recognised) -> bool:
    """Whether a column is one of files."""
    return found.modality != IGNORE and is_of_files(found.modality)


def _tells_nothing(cells: pl.Series) -> bool:
    """Whether a column is empty or gives every row its own name."""
    known = cells.drop_nulls()
    is_cell = known.dtype in (pl.String, pl.Float64)
    return len(known) == 0 or (len(known) >= _MANY_ROWS and is_cell and known.n_unique() == len(known))


def _inputs(
    kinds: Mapping[str, Recognised], targets: Sequence[str], asked: set[str], left_out: dict[str, str]
) -> dict[str, Recognised]:
    inputs = {}
    for column, found in kinds.items():
        if column in targets:
            continue
        if found.modality == LABELS:
            raise UsageError(f"--type {column}={LABELS}: only a target can be {LABELS}; say --target {column}")
        if found.modality != IGNORE:
            inputs[column] = found
        elif column in asked:
            raise UsageError(
                f"--input {column}: {found.reason}, so it tells nothing; say what it is, as in --type {column}=number"
            )
        else:
            left_out[column] = found.reason
    return inputs


def _named(frame: pl.DataFrame, names: Sequence[str], taken: set[str | None] | set[str]) -> str | None:
    """The column with the first of some names, in any case, or None."""
    folded = {column.strip().casefold().replace(" ", "_"): column for column in frame.columns if column not in taken}
    return next((folded[name] for name in names if name in folded), None)


def _all(frame: pl.DataFrame) -> str:
    return "one of: " + ", ".join(frame.columns[:20]) + (" …" if len(frame.columns) > 20 else "")


def texts(frame: pl.DataFrame, column: str | None, missing: Sequence[str] = ()) -> list[str | None] | None:
    """The cells of a column as text, None for those that are `missing`; or None where there is no such column."""
    return None if column is None else frame[column].cast(pl.String).replace(missing, None).to_list()
