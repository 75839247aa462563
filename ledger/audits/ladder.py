"""The ladder (阶梯) that every obligation climbs, and the reasons for which it stops (缺口原因).

Finding codes are those of 政务数据共享条例 (State Council Decree 809) Arts. 39-41; where the law has none, there is
none. ``docs/audits.md`` has the same table.
"""

from __future__ import annotations

from dataclasses import dataclass

RUNGS: tuple[tuple[str, str, str], ...] = (
    ("catalogued", "编目", "catalogued"),
    ("mounted", "挂接", "mounted"),
    ("manifested", "数据清单", "manifested"),
    ("delivered", "归集", "delivered"),
    ("anchored", "上链", "anchored"),
    ("record_complete", "记录完整", "record-complete"),
    ("on_time", "及时更新", "on time"),
    ("of_quality", "质量合格", "of quality"),
)
"""The rungs from the ground: code, Chinese, English. Rung 1 is the first."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a rung is broken; ``article`` of the 条例 where one applies."""

    code: str
    zh: str
    en: str
    article: str | None
    way_zh: str
    way_en: str


_BIND = ("登记目录并绑定该义务", "file the entry and bind it to the obligation")
_RESIGN = (
    "由数源单位先签数据清单，再重新归集",
    "let the department sign the manifest first, and deliver again",
)
REASONS: dict[str, Reason] = {
    one.code: one
    for one in (
        Reason("not_bound", "没有目录对应", "no entry answers it", "39(1)", *_BIND),
        Reason(
            "released", "目录已解绑", "the entry that answered it was released", "39(1)", *_BIND
        ),
        Reason(
            "entry_unknown",
            "绑定的目录无法读取",
            "the entry bound to it cannot be read",
            "39(1)",
            "重新报送目录",
            "file the entry again",
        ),
        Reason(
            "answers_another",
            "该目录已对应另一义务",
            "its entry answers another obligation already",
            "39(1)",
            "为本义务单独编目",
            "file an entry for this obligation",
        ),
        Reason(
            "draft",
            "目录仍为草案",
            "the entry is a draft",
            "39(1)",
            "补全并报送",
            "complete and submit it",
        ),
        Reason(
            "returned",
            "目录已被退回",
            "the entry was returned",
            "39(1)",
            "修改后重新报送",
            "correct and submit it again",
        ),
        Reason(
            "awaiting_publication",
            "目录待审核发布",
            "the entry waits for publication",
            None,
            "主管部门审核发布",
            "the competent department reviews and publishes it",
        ),
        Reason(
            "suspended",
            "目录已暂停",
            "the entry is suspended",
            "39(1)",
            "恢复或更正目录",
            "restore or correct it",
        ),
        Reason(
            "revoked",
            "目录已撤销，义务仍在",
            "the entry was revoked while the obligation stands",
            "39(1)",
            "重新编目，或由主管部门批准豁免",
            "file an entry again, or have an exemption approved",
        ),
        Reason(
            "not_mounted",
            "未挂接资源",
            "no resource is mounted",
            None,
            "挂接资源",
            "mount a resource",
        ),
        Reason(
            "resource_closed",
            "资源已下线",
            "its resources are closed",
            "39(7)",
            "恢复资源，或协商后备案",
            "restore one, or agree and put it on record",
        ),
        Reason(
            "no_manifest",
            "没有数据清单",
            "no manifest was signed",
            None,
            "数源单位签署数据清单",
            "let the department sign a manifest",
        ),
        Reason(
            "manifest_outdated",
            "到期期间没有数据清单",
            "no manifest for the period due",
            None,
            "签署到期期间的数据清单",
            "sign the manifest of the period due",
        ),
        Reason(
            "not_delivered",
            "未归集",
            "nothing was delivered",
            None,
            "归集数据",
            "deliver the data",
        ),
        Reason(
            "delivery_outdated",
            "到期期间未归集",
            "nothing was delivered for the period due",
            None,
            "归集到期期间的数据",
            "deliver the data of the period due",
        ),
        Reason(
            "empty_table",
            "归集的是空表",
            "the table that was delivered is empty",
            None,
            "核实数源并重新归集",
            "check the source and deliver again",
        ),
        Reason(
            "delivery_without_manifest",
            "归集时没有数据清单",
            "the delivery had no manifest to be held against",
            None,
            *_RESIGN,
        ),
        Reason(
            "manifest_after_delivery",
            "数据清单晚于归集签署",
            "the manifest was signed after the delivery that it covers",
            None,
            *_RESIGN,
        ),
        Reason(
            "rows_differ",
            "记录与数据清单不一致",
            "rows differ from the manifest",
            None,
            "对账并补齐、更正记录",
            "reconcile, and supply or correct the rows",
        ),
        Reason(
            "late",
            "更新不及时",
            "updates were late",
            None,
            "按更新周期归集",
            "deliver by the due dates of the cycle",
        ),
        Reason(
            "low_score",
            "质量评分不足",
            "the quality score is too low",
            None,
            "整改后重新评估",
            "repair it and have it assessed again",
        ),
        Reason(
            "correction_open",
            "纠错申请未答复",
            "a correction request waits for an answer",
            "39(6)",
            "核实、更正并反馈",
            "verify, correct and answer",
        ),
    )
}


def rung_code(number: int) -> str:
    """The code of rung 1..8."""
    return RUNGS[number - 1][0]


def gap_id(rung: int, obligation: str) -> str:
    """The stable name of a gap: the same as long as the obligation stops at the rung."""
    return f"{rung_code(rung)}:{obligation}"
