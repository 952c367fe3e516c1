"""Files, folders and folders of folders as deliveries, each with its mapping and its manifest."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from fnmatch import fnmatch
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from xinheng.errors import BadDelivery, BadMapping
from xinheng.records.sources.forms.head import is_unnamed
from xinheng.records.sources.mapping import Identifier, Mapping, Origin, TableMapping, first_fault
from xinheng.records.sources.reading import TAKEN, delivered_files, head_of, unread_files
from xinheng.records.tables import DERIVED_COLUMNS, PLATFORM_COLUMNS, WARNED_OF, tables

MANIFEST = "manifest.toml"
AGAIN = "+"
"""Between the digest of files and how often they came before."""


class Manifest(BaseModel):
    """What a department says of a delivery: who, for which days, sent when, how many rows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    department: str = Field(min_length=1, description="Platform code of the department")
    region: str = Field("", description="GB/T 2260 code the delivery covers; empty: as the rows")
    period_from: date = Field(description="First day of the period")
    period_to: date = Field(description="Last day of the period")
    sent_at: AwareDatetime = Field(description="Arrival; `known_at` where rows give none")
    rows: dict[str, Annotated[int, Field(ge=0)]] = Field(
        min_length=1,
        description="File name to number of rows; a table's name with 0: it has none and no file",
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.period_to < self.period_from:
            raise ValueError("period_to is before period_from")
        return self

    @property
    def empty_tables(self) -> tuple[str, ...]:
        """Tables of which the department has no rows for the period, and sends no file."""
        return tuple(sorted(n for n, count in self.rows.items() if count == 0 and n in tables()))


@dataclass(frozen=True, slots=True)
class Delivery:
    """One batch to be: its files, what their columns mean, and when they arrived."""

    place: Path
    files: tuple[Path, ...]
    mapping: Mapping
    manifest: Manifest | None
    at: datetime
    digest: str
    scored_until: datetime | None = None
    """Moment of the newest scores, where there are any: what was known by then, they know."""

    @property
    def batch_id(self) -> str:
        files, again, times = self.digest.partition(AGAIN)
        return f"b{files[:12]}{again}{times}"

    @property
    def empty_tables(self) -> tuple[str, ...]:
        """Tables that the manifest says have no rows."""
        return self.manifest.empty_tables if self.manifest else ()

    def promised(self, file: Path) -> int:
        """Rows that the manifest gives for a file; a table without rows has the manifest for it."""
        assert self.manifest is not None
        return 0 if file.name == MANIFEST else self.manifest.rows[file.name]

    def assigned(self) -> Iterator[tuple[Path, TableMapping]]:
        """Each file with each table that it feeds; the manifest with each table without rows.

        Raises
        ------
        BadMapping
            If a table of the mapping has no file, and the manifest does not say that it is empty.
        """
        yield from ((self.place / MANIFEST, _empty_part(name)) for name in self.empty_tables)
        for part in self.mapping.tables:
            if part.name in self.empty_tables:
                continue
            named = [file for file in self.files if file.name == part.file]
            matching = named or [file for file in self.files if fnmatch(file.name, part.file)]
            if not matching:
                names = ", ".join(file.name for file in self.files[:5])
                raise BadMapping(
                    f"table {part.name}: no delivered file matches {part.file!r}",
                    hint=f"the delivery has {names}",
                )
            yield from ((file, part) for file in matching)

    def notes(self) -> tuple[str, ...]:
        """What was detected about the files, and which files were not read."""
        told = [note for file in self.files for note in head_of(file, self.mapping).notes]
        told += [f"{name} was not read: {TAKEN} are taken" for name in unread_files(self.place)]
        return tuple(told)


def find_deliveries(
    path: Path, mapping: Mapping | None, *, at: datetime, scored_until: datetime | None = None
) -> list[Delivery]:
    """The delivery at a path, or all deliveries with a manifest below it, by arrival.

    Parameters
    ----------
    at
        The moment of arrival, where there is no manifest.
    scored_until
        Moment of the newest scores; rows that claim to have been known by then are told.

    Raises
    ------
    BadDelivery, BadMapping
        If there is none, a manifest names files that are not there, or columns are missing.
    """
    if path.is_dir() and not (path / MANIFEST).exists():
        below = sorted(path.rglob(MANIFEST))
        if below:
            found = [
                replace(one_delivery(file.parent, mapping, at=at), scored_until=scored_until)
                for file in below
            ]
            return sorted(found, key=lambda d: (d.at, str(d.place)))
    return [replace(one_delivery(path, mapping, at=at), scored_until=scored_until)]


def one_delivery(path: Path, mapping: Mapping | None, *, at: datetime) -> Delivery:
    """A file or a folder as one batch; without a mapping its files are canonical tables."""
    files, manifest = _contents(path)
    known = mapping or canonical_mapping(files, manifest)
    _no_contradiction(path, files, known, manifest)
    return Delivery(
        place=path,
        files=files,
        mapping=known,
        manifest=manifest,
        at=manifest.sent_at if manifest else at,
        digest=_digest(files, known, manifest),
    )


def digest_of(path: Path, mapping: Mapping | None) -> str:
    """What a delivery, mapped this way, is known by; its arrival has no part in it."""
    files, manifest = _contents(path)
    return _digest(files, mapping or canonical_mapping(files, manifest), manifest)


def canonical_mapping(files: Sequence[Path], manifest: Manifest | None = None) -> Mapping:
    """Of files that are named after tables and whose columns are the tables' own.

    `penalty.csv`, `penalty-2.parquet` and `penalty[1].csv` all feed `penalty`; money
    columns are in yuan.
    """
    parts = [_empty_part(name) for name in (manifest.empty_tables if manifest else ())]
    for file in files:
        name = _table_of(file)
        if not name:
            raise BadMapping(
                f"{file.name} is not named after a record table",
                hint="give --mapping, or name it as `xinheng records tables` does",
            )
        parts.append(_canonical_part(name, file))
    return Mapping(identifier=Identifier(kind="uscc", column="uscc"), table=parts)


def _empty_part(name: str) -> TableMapping:
    return TableMapping(name=name, file=MANIFEST, columns={})


def _table_of(file: Path) -> str:
    """The table whose name the file has, whatever follows: `penalty-2.csv`, `penalty[1].csv`."""
    stem = file.stem.lower()
    fitting = [name for name in tables() if re.match(rf"{name}(?![a-z]|_[a-z])", stem)]
    return max(fitting, key=len, default="")


def _canonical_part(name: str, file: Path) -> TableMapping:
    table = tables()[name]
    known = {c.name for c in table.columns} - DERIVED_COLUMNS - PLATFORM_COLUMNS
    names = head_of(file, None, wanted=frozenset({*known, "uscc"})).names
    given = [column for column in names if not is_unnamed(column)]
    foreign = [column for column in given if column not in known | {"uscc"}]
    if foreign:
        raise BadMapping(
            f"{file.name}: column {foreign[0]!r} is none of table {name}",
            hint=f"see `xinheng records describe {name}`, or give --mapping",
        )
    needed = [c.name for c in table.columns if not c.nullable and c.name in known]
    defaults = {"operation", "repair_status", "dispute_status", "known_at", *WARNED_OF}
    missing = [column for column in needed if column not in {*given, *defaults}]
    if missing or "uscc" not in given:
        wanted = ", ".join(missing or ["uscc"])
        raise BadMapping(f"{file.name}: {wanted} must be given", hint="or give --mapping")
    columns = {column: Origin(column=column) for column in given if column != "uscc"}
    return TableMapping(name=name, file=file.name, columns=columns)


def _contents(path: Path) -> tuple[tuple[Path, ...], Manifest | None]:
    """The files of a delivery and its manifest; one that names empty tables needs no file."""
    manifest = _manifest(path / MANIFEST) if (path / MANIFEST).is_file() else None
    files = tuple(delivered_files(path, at_least=0 if manifest else 1))
    if manifest is None:
        return files, None
    there = {file.name for file in files}
    lacking = sorted({*manifest.rows} - there - {*manifest.empty_tables})
    if lacking:
        raise BadDelivery(
            f"{path.name}: {MANIFEST} names {lacking[0]}, which is not there",
            hint='a table without rows is given by its name: "serious_list" = 0',
        )
    unnamed = sorted(there - {*manifest.rows})
    if unnamed:
        raise BadDelivery(f"{path.name}: {unnamed[0]} is not in {MANIFEST}")
    return files, manifest


def _no_contradiction(
    path: Path, files: Sequence[Path], mapping: Mapping, manifest: Manifest | None
) -> None:
    """A table that is said to have no rows has no file either."""
    for name in manifest.empty_tables if manifest else ():
        patterns = [part.file for part in mapping.tables if part.name == name]
        both = [f.name for f in files for pattern in patterns if fnmatch(f.name, pattern)]
        if both:
            raise BadDelivery(
                f"{path.name}: {MANIFEST} gives {name} no rows, and {both[0]} feeds it",
                hint="give the rows of the file instead",
            )


def _manifest(file: Path) -> Manifest:
    try:
        return Manifest.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise BadDelivery(f"{file} is not TOML: {fault}") from None
    except ValidationError as fault:
        told = first_fault(file, fault).message
        raise BadDelivery(told, hint="see docs/intake.md for the keys") from None


def _digest(files: Sequence[Path], mapping: Mapping, manifest: Manifest | None) -> str:
    """Of the files' bytes, the mapping's meaning and the manifest."""
    total = blake2b(mapping.model_dump_json(by_alias=True).encode(), digest_size=16)
    if manifest is not None:
        total.update(manifest.model_dump_json().encode())
    for file in files:
        total.update(file.name.encode())
        with file.open("rb") as handle:
            while block := handle.read(1 << 20):
                total.update(block)
    return total.hexdigest()
