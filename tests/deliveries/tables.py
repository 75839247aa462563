"""A table of pupils with identity numbers, in every kind of source, and faults put into it.

Whatever is computed from it, its values must turn up nowhere: :func:`secrets_of` are the words to look for.
"""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

Row = dict[str, Any]
SCHEMA = pa.schema(
    [
        ("身份证号", pa.string()),
        ("姓名", pa.string()),
        ("入学日期", pa.date32()),
        ("补助", pa.decimal128(12, 2)),
        ("年级", pa.int64()),
    ]
)
KEY = "身份证号"
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def identity(number: int) -> str:
    """A made-up citizen's identity number (GB 11643) of a region that is none."""
    digits = (
        f"990118{2010 + number % 8}{1 + number % 12:02d}{1 + number % 28:02d}{number % 1000:03d}"
    )
    total = sum(int(d) * w for d, w in zip(digits, _WEIGHTS, strict=True))
    return digits + "10X98765432"[total % 11]


def pupils(count: int = 300) -> list[Row]:
    """So many pupils, the same every time, among them NULLs and names of several scripts."""
    names = ("张伟", "欧阳娜娜", "Jürgen", "𠮷田", "محمد")
    return [
        {
            KEY: identity(number),
            "姓名": f"{names[number % len(names)]}{number}",
            "入学日期": date(2023, 9, 1 + number % 28),
            "补助": None if number % 7 == 0 else Decimal(number * 137 % 99_999) / 100,
            "年级": number % 9 + 1,
        }
        for number in range(count)
    ]


def secrets_of(rows: Sequence[Row]) -> list[str]:
    """Words of the rows that must not turn up anywhere."""
    return [row[KEY] for row in rows[:20]] + [row["姓名"] for row in rows[:20]]


def parquet(place: Path, rows: Sequence[Row], schema: pa.Schema = SCHEMA) -> str:
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), place)
    return str(place)


def delimited(place: Path, rows: Sequence[Mapping[str, Any]]) -> str:
    with place.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows({k: "" if v is None else v for k, v in row.items()} for row in rows)
    return str(place)


def sqlite(place: Path, rows: Sequence[Row]) -> str:
    place.unlink(missing_ok=True)
    with sqlite3.connect(place) as database:
        database.execute(
            "CREATE TABLE pupils (身份证号 TEXT, 姓名 TEXT, 入学日期 DATE, 补助 DECIMAL(12,2), 年级 INTEGER)"
        )
        database.executemany(
            "INSERT INTO pupils VALUES (?, ?, ?, ?, ?)",
            [
                (
                    row[KEY],
                    row["姓名"],
                    row["入学日期"].isoformat(),
                    None if row["补助"] is None else str(row["补助"]),
                    row["年级"],
                )
                for row in rows
            ],
        )
    database.close()
    return f"sqlite:///{place}#pupils"


def workbook(place: Path, rows: Sequence[Row]) -> str:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "学生"
    sheet.append(list(rows[0]))
    for row in rows:
        sheet.append([float(v) if isinstance(v, Decimal) else v for v in row.values()])
    book.save(place)
    return f"{place}#学生"
