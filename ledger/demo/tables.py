"""Tables of the synthetic district (合成数据表): what departments hold and send, with planted defects.

Every person, company and number in them is made up from a seed.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from ledger.identifiers import uscc_check_character

KEY = "办件编号"
COLUMNS = (
    KEY,
    "事项名称",
    "申请人名称",
    "统一社会信用代码",
    "受理日期",
    "办结日期",
    "办理结果",
    "证照编号",
    "有效期截止",
)
RESULTS = ("准予", "不予许可", "退回补正")
ROWS_A_QUARTER = 240
YEAR = 2026
_SURNAMES = "赵钱孙李周吴郑王冯陈"
_WORDS = ("青禾", "远山", "明湖", "长桥", "新泾", "白鹤", "朱家", "金泽")
_KINDS = ("食品有限公司", "餐饮管理有限公司", "贸易有限公司", "超市", "农产品合作社")
Row = tuple[str | date | None, ...]


@dataclass(frozen=True, slots=True)
class Defects:
    """How many rows of a hundred have a defect of each kind."""

    blank: int = 0
    wrong_code: int = 0
    out_of_order: int = 0
    unknown_result: int = 0


def rows_of(seed: int, entry: str, matter: str, quarters: int, defects: Defects) -> list[Row]:
    """All cases of an item of so many quarters of the year: each quarter adds :data:`ROWS_A_QUARTER`."""
    chance = random.Random(f"{seed} {entry}")  # noqa: S311 - a synthetic district, nothing secret
    first = date(YEAR, 1, 1)
    rows: list[Row] = []
    for number in range(1, quarters * ROWS_A_QUARTER + 1):
        quarter = (number - 1) // ROWS_A_QUARTER
        accepted = first + timedelta(days=90 * quarter + chance.randrange(85))
        closed = accepted + timedelta(days=chance.randrange(1, 20))
        if chance.randrange(100) < defects.out_of_order:
            accepted, closed = closed, accepted
        code: str | None = _company_code(chance)
        if chance.randrange(100) < defects.wrong_code and code:
            code = code[:-1] + ("0" if code[-1] != "0" else "1")
        if chance.randrange(100) < defects.blank:
            code = None
        result = (
            "未知" if chance.randrange(100) < defects.unknown_result else chance.choice(RESULTS)
        )
        name = f"{chance.choice(_WORDS)}{chance.choice(_SURNAMES)}记{chance.choice(_KINDS)}"
        rows.append(
            (
                f"{entry.replace('/', '')}{number:06d}",
                matter,
                name,
                code,
                accepted,
                closed,
                result,
                f"示{accepted.year}字第{number:05d}号" if result == "准予" else None,
                closed + timedelta(days=1095),
            )
        )
    return rows


def write_table(place: Path, rows: Sequence[Row]) -> Path:
    """The rows as a Parquet file, whole."""
    import pyarrow as pa  # noqa: PLC0415 - takes long to import, and only the demo needs it here
    import pyarrow.parquet as pq  # noqa: PLC0415

    types = [pa.string()] * 4 + [pa.date32()] * 2 + [pa.string()] * 2 + [pa.date32()]
    columns = list(zip(*rows, strict=True)) or [()] * len(COLUMNS)
    table = pa.table(
        [pa.array(list(values), kind) for values, kind in zip(columns, types, strict=True)],
        names=list(COLUMNS),
    )
    place.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, place)
    return place


def _company_code(chance: random.Random) -> str:
    """A well-formed credit code of a company that does not exist, in the district that does not exist."""
    body = f"92990118{chance.randrange(10**8):08d}X"[:17]
    return body + uscc_check_character(body)
