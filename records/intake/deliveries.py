"""Files, folders and folders of folders as deliveries, each with its mapping and its manifest."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fnmatch import fnmatch
from hashlib import blake2b
from pathlib import Path
from typing import Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from xinheng.errors import BadDelivery, BadMapping
from xinheng.records.sources.mapping import Identifier, Mapping, Origin, TableMapping, first_fault
from xinheng.records.sources.reading import delivered_files, header
from xinheng.records.tables import DERIVED_COLUMNS, PLATFORM_COLUMNS, tables

MANIFEST = "manifest.toml"


class Manifest(BaseModel):
    """What a department says of a delivery: who, for which days, sent when, how many rows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    department: str = Field(min_length=1, description="Platform code of the department")
    region: str = Field("", description="GB/T 2260 code the delivery covers; empty: as the rows")
    period_from: date = Field(description="First day of the period")
    period_to: date = Field(description="Last day of the period")
    sent_at: AwareDatetime = Field(description="Arrival; `known_at` where rows give none")
    rows: dict[str, int] = Field(min_length=1, description="File name to number of rows")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.period_to < self.period_from:
            raise ValueError("period_to is before period_from")
        return self


@dataclass(frozen=True, slots=True)
class Delivery:
    """One batch to be: its files, what their columns mean, and when they arrived."""

    place: Path
    files: tuple[Path, ...]
    mapping: Mapping
    manifest: Manifest | None
    at: datetime
    digest: str

    @property
    def batch_id(self) -> str:
        return f"b{self.digest[:12]}"

    def assigned(self) -> Iterator[tuple[Path, TableMapping]]:
        """Each file with each table that it feeds.

        Raises
        ------
        BadMapping
            If a table of the mapping has no file.
        """
        for part in self.mapping.tables:
            matching = [file for file in self.files if fnmatch(file.name, part.file)]
            if not matching:
                names = ", ".join(file.name for file in self.files[:5])
                raise BadMapping(
                    f"table {part.name}: no delivered file matches {part.file!r}",
                    hint=f"the delivery has {names}",
                )
            yield from ((file, part) for file in matching)


def find_deliveries(path: Path, mapping: Mapping | None, *, at: datetime) -> list[Delivery]:
    """The delivery at a path, or all deliveries with a manifest below it, by arrival.

    Raises
    ------
    BadDelivery, BadMapping
        If there is none, a manifest names files that are not there, or columns are missing.
    """
    if path.is_dir() and not (path / MANIFEST).exists():
        below = sorted(path.rglob(MANIFEST))
        if below:
            found = [one_delivery(file.parent, mapping, at=at) for file in below]
            return sorted(found, key=lambda d: (d.at, str(d.place)))
    return [one_delivery(path, mapping, at=at)]


def one_delivery(path: Path, mapping: Mapping | None, *, at: datetime) -> Delivery:
    """A file or a folder as one batch; without a mapping its files are canonical tables."""
    files = tuple(delivered_files(path))
    manifest = _manifest(path, files)
    known = mapping or canonical_mapping(files)
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
    files = tuple(delivered_files(path))
    return _digest(files, mapping or canonical_mapping(files), _manifest(path, files))


def canonical_mapping(files: Sequence[Path]) -> Mapping:
    """Of files that are named after tables and whose columns are the tables' own.

    `penalty.csv` and `penalty-2.parquet` both feed `penalty`; money columns are in yuan.
    """
    parts = []
    for file in files:
        name = file.stem.split("-")[0]
        if name not in tables():
            raise BadMapping(
                f"{file.name} is not named after a record table",
                hint="give --mapping, or name it as `xinheng records tables` does",
            )
        parts.append(_canonical_part(name, file))
    return Mapping(identifier=Identifier(kind="uscc", column="uscc"), table=parts)


def _canonical_part(name: str, file: Path) -> TableMapping:
    table = tables()[name]
    given = header(file)
    known = {c.name for c in table.columns} - DERIVED_COLUMNS - PLATFORM_COLUMNS
    foreign = [column for column in given if column not in known | {"uscc"}]
    if foreign:
        raise BadMapping(
            f"{file.name}: column {foreign[0]!r} is none of table {name}",
            hint=f"see `xinheng records describe {name}`, or give --mapping",
        )
    needed = [c.name for c in table.columns if not c.nullable and c.name in known]
    defaults = {"operation", "repair_status", "dispute_status", "known_at"}
    missing = [column for column in needed if column not in {*given, *defaults}]
    if missing or "uscc" not in given:
        wanted = ", ".join(missing or ["uscc"])
        raise BadMapping(f"{file.name}: {wanted} must be given", hint="or give --mapping")
    columns = {column: Origin(column=column) for column in given if column != "uscc"}
    return TableMapping(name=name, file=file.name, columns=columns)


def _manifest(path: Path, files: Sequence[Path]) -> Manifest | None:
    file = path / MANIFEST
    if not (path.is_dir() and file.exists()):
        return None
    try:
        manifest = Manifest.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise BadDelivery(f"{file} is not TOML: {fault}") from None
    except ValidationError as fault:
        told = first_fault(file, fault).message
        raise BadDelivery(told, hint="see docs/intake.md for the keys") from None
    there = {one.name for one in files}
    lacking = sorted(set(manifest.rows) - there)
    if lacking:
        raise BadDelivery(f"{path.name}: {MANIFEST} names {lacking[0]}, which is not there")
    unnamed = sorted(there - set(manifest.rows))
    if unnamed:
        raise BadDelivery(f"{path.name}: {unnamed[0]} is not in {MANIFEST}")
    return manifest


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
