"""Alarms (告警): what is not well, by names that have a page each in docs/runbook.md.

An alarm of a *failing* part makes ``/readyz`` answer 503: what is answered or accepted may not be right, or
not be done. An alarm that only warns is listed, and the answer stays 200.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FAILING: dict[str, tuple[str, str]] = {
    "chain_trouble": (
        "链无法访问，或不能承载账本",
        "the chain is out of reach, or cannot carry the ledger",
    ),
    "mirror_trouble": ("镜像库无法读取，或为空", "the mirror cannot be read, or is empty"),
    "outbox_trouble": ("工作台库无法读取", "the desk database cannot be read"),
    "duty_trouble": (
        "发送与跟随日志的后台工作失败",
        "the background work of sending and following fails",
    ),
    "lineage_trouble": (
        "血缘日志或其折叠失败",
        "the lineage journal, or what follows from it, fails",
    ),
    "drills_trouble": ("演练记录无法读取", "the record of drills cannot be read"),
    "drill_mirror_failed": ("镜像核验未通过", "the mirror did not stand up to verification"),
    "drill_fsck_failed": ("链库检查未通过", "the chain's store is damaged or was altered"),
    "drill_replay_failed": ("重放链的结果不同", "the chain, executed again, comes out differently"),
}
WARNING: dict[str, tuple[str, str]] = {
    "node_behind": (
        "节点的区块少于镜像已见的区块",
        "the node has fewer blocks than the mirror has seen",
    ),
    "disk_low": (
        "数据所在磁盘的可用空间不足 1 GiB",
        "less than 1 GiB is free where the data are",
    ),
    "drill_overdue": ("演练逾期未完成", "a drill was not finished for longer than three intervals"),
}
ALARMS = FAILING | WARNING
"""Every alarm there is, in Chinese and English."""


def alarms_of(checks: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The alarms that the checks of ``/readyz`` raise, sorted."""
    drills = checks["drills"]
    found = [f"{name}_trouble" for name, check in checks.items() if not check["ok"]]
    failed = [f"drill_{name}_failed" for name in drills.get("failed", ())]
    if failed:
        found.remove("drills_trouble")
    warned = [
        *(["drill_overdue"] if drills.get("overdue") else []),
        *(["node_behind"] if checks["mirror"].get("ahead") else []),
        *(["disk_low"] if checks["disk"].get("low") else []),
    ]
    return sorted([*found, *failed, *warned])
