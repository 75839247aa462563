"""The names of findings (审计发现): what an auditor must look at, beside the gaps.

A finding alters no rate by itself, unless its gap does. ``docs/audits.md`` has the same table, and a test holds the two
together.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Signal:
    """A kind of finding: what it says, of which subject, which article of the 条例 applies; ``number`` is what its
    number means: ``day``, ``rows``, ``count``, ``version`` or nothing.
    """

    name: str
    zh: str
    en: str
    subject: str
    article: str | None = None
    number: str | None = None


_EVERY = (
    Signal(
        "manifest_after_delivery",
        "数据清单在归集之后签署或重签",
        "a manifest was signed, or signed again, after the delivery that it covers",
        "entry",
        None,
        "day",
    ),
    Signal(
        "manifest_shrunk",
        "数据清单改版后记录数减少",
        "a later version of a manifest states fewer rows",
        "entry",
        None,
        "rows",
    ),
    Signal(
        "periods_overlap",
        "数据清单期间重叠，记录重复计算",
        "manifests of overlapping periods: rows count twice, or a small one stands for the period",
        "entry",
        None,
        "day",
    ),
    Signal(
        "rows_fell",
        "全量数据较上一期大幅减少",
        "all rows are far fewer than all rows of the period before",
        "entry",
        None,
        "rows",
    ),
    Signal(
        "root_repeated",
        "数据清单的根与另一份相同（沿用旧数据与旧盐密钥）",
        "a manifest has the root of another one: the same rows, salted alike",
        "entry",
        None,
        "day",
    ),
    Signal(
        "self_received",
        "提供单位自行接收登记",
        "received and signed for by the organisation that supplied it",
        "entry",
        None,
        "count",
    ),
    Signal(
        "delivery_without_manifest",
        "归集时没有数据清单",
        "a delivery that no manifest was signed before",
        "entry",
        None,
        "day",
    ),
    Signal(
        "old_snapshot",
        "以旧数据充当新一期数据",
        "the same rows were delivered before as another period's",
        "entry",
        None,
        "day",
    ),
    Signal(
        "column_dropped",
        "较上一期数据清单缺少字段",
        "columns of the manifest before are no longer there",
        "entry",
    ),
    Signal(
        "column_retyped",
        "字段类型与上一期数据清单不同",
        "columns have other types than in the manifest before",
        "entry",
    ),
    Signal(
        "key_changed",
        "主键与上一期数据清单不同",
        "rows are told apart by another key than in the manifest before",
        "entry",
    ),
    Signal(
        "entry_weakened",
        "目录改版后减少数据项、放慢更新或收窄共享",
        "an edition promises less than the one before: items, updates or sharing",
        "entry",
    ),
    Signal(
        "items_missing",
        "数据清单缺少目录载明的数据项",
        "items of the entry that no column of the manifest is called by",
        "obligation",
        None,
        "count",
    ),
    Signal(
        "schema_changed",
        "数据结构变化（内容未公开）",
        "the schema changed, and is not public",
        "entry",
    ),
    Signal(
        "schema_differs",
        "归集数据的结构与数据清单不一致",
        "what arrived has another schema than its manifest",
        "obligation",
    ),
    Signal("empty_table", "归集的是空表", "the newest full delivery has no rows", "obligation"),
    Signal(
        "rows_missing", "缺少记录", "rows of the manifest did not arrive", "entry", None, "rows"
    ),
    Signal(
        "rows_extra",
        "多出记录（数源已删除的未同步删除）",
        "rows arrived that the manifest does not have, such as deletions that never came",
        "entry",
        None,
        "rows",
    ),
    Signal("rows_changed", "记录被改动", "rows arrived with other values", "entry", None, "rows"),
    Signal(
        "padded_rows", "以重复记录充数", "rows were padded with duplicates", "entry", None, "rows"
    ),
    Signal("empty_keys", "主键为空的记录", "rows without a key", "entry", None, "rows"),
    Signal(
        "not_reconciled",
        "与数据清单不一致且未对账",
        "roots differ, and nobody counted by what",
        "obligation",
    ),
    Signal(
        "no_full_delivery",
        "长期只有增量，删除无从体现",
        "increments only: deletions at the source cannot show",
        "obligation",
        None,
        "day",
    ),
    Signal(
        "period_not_over",
        "期间未满即签署或归集",
        "signed or delivered before its period was over",
        "obligation",
    ),
    Signal(
        "late_delivery", "逾期归集", "a delivery came after its due day", "obligation", None, "day"
    ),
    Signal(
        "late_across_holiday",
        "跨节假日（含调休）逾期归集",
        "a delivery came after its due day, across shifted working days",
        "obligation",
        None,
        "day",
    ),
    Signal(
        "revoked_while_bound",
        "义务仍在而目录已撤销或暂停",
        "the entry was revoked or suspended while its obligation stands",
        "obligation",
        "39(1)",
    ),
    Signal(
        "binding_released",
        "义务与目录已解绑",
        "the entry that answered was released",
        "obligation",
        "39(1)",
    ),
    Signal(
        "entry_rebound",
        "义务曾改绑或重新绑定目录",
        "the entry that answers it was exchanged, or bound again",
        "obligation",
    ),
    Signal(
        "entry_shared",
        "一个目录对应多项义务",
        "one entry was bound to several obligations; only the first counts",
        "obligation",
        "39(1)",
    ),
    Signal(
        "split_table",
        "一张业务表拆成多个目录",
        "one business table was split into several entries",
        "obligation",
        None,
        "count",
    ),
    Signal(
        "resource_closed",
        "已挂接的资源全部下线",
        "all resources of the entry are closed",
        "obligation",
        "39(7)",
    ),
    Signal("self_assessed", "只有数源单位自评", "only its owner scored it", "obligation"),
    Signal(
        "two_sources",
        "同一来源由两个机构申报",
        "two organisations claim one source: the same place is mounted by both",
        "resource",
        "41(1)",
        "count",
    ),
    Signal(
        "obligation_withdrawn",
        "义务已取消",
        "an obligation was withdrawn",
        "obligation",
        None,
        "version",
    ),
    Signal(
        "obligation_amended",
        "义务已变更",
        "an obligation was amended",
        "obligation",
        None,
        "version",
    ),
    Signal(
        "self_amended",
        "责任单位自行变更或取消本单位义务",
        "the organisation that owes it amended or withdrew the obligation itself",
        "obligation",
        None,
        "version",
    ),
    Signal(
        "obligation_ended",
        "义务已到期终止",
        "an obligation's last day has passed",
        "obligation",
        None,
        "day",
    ),
    Signal(
        "exemption_relied_on",
        "依豁免未计入",
        "an exemption that holds on this day",
        "exemption",
        None,
        "day",
    ),
    Signal(
        "exemption_expired",
        "豁免已过期",
        "an exemption has expired, and counts no more",
        "exemption",
        None,
        "day",
    ),
    Signal(
        "exemption_withdrawn", "豁免已取消", "an exemption was withdrawn", "exemption", None, "day"
    ),
    Signal(
        "exemption_self_approved",
        "豁免由受益单位自行批准，不予计入",
        "approved by the organisation that profits; it does not count",
        "exemption",
        None,
        "day",
    ),
    Signal(
        "exemption_backdated",
        "豁免倒签：生效日早于登记日",
        "an exemption that was written down after the day from which it counts",
        "exemption",
        None,
        "day",
    ),
    Signal("objection_open", "异议未答复", "an objection waits for an answer", "obligation"),
    Signal(
        "overdue_correction",
        "纠错申请逾期未答复",
        "a correction request was not answered in time",
        "correction",
        "39(6)",
        "day",
    ),
    Signal(
        "overdue_publication",
        "目录审核发布逾期",
        "what was submitted was not decided in time",
        "entry",
        None,
        "day",
    ),
    Signal(
        "overdue_catalogue_update",
        "目录更新逾期",
        "the catalogue was not brought up to the obligation in time",
        "obligation",
        "39(1)",
        "day",
    ),
    Signal(
        "unreadable_statement",
        "链上声明无法读取",
        "a statement on the chain that nobody can read; subject is its kind",
        "statement",
    ),
)
SIGNALS: dict[str, Signal] = {signal.name: signal for signal in _EVERY}
