"""What is not there: every type of problem that is a 404, and where to look instead."""

from __future__ import annotations

from api.problem_type import ProblemType, problem_type

ABSENCES: dict[str, ProblemType] = {
    "not_found": problem_type(
        404,
        ("没有这个地址", "No such address"),
        ("所有接口见 /docs。", "All addresses are listed in /docs."),
    ),
    "unknown_entry": problem_type(
        404,
        ("没有这个目录条目", "No such catalogue entry"),
        (
            "请检查目录代码;可用 /api/v1/catalogue/entries?q=… 搜索。",
            "Check the code; /api/v1/catalogue/entries?q=… searches.",
        ),
    ),
    "unknown_score": problem_type(
        404,
        ("没有这条质量评分", "No such quality score"),
        (
            "/api/v1/quality/scores 列出现有评分及其叶序号。",
            "/api/v1/quality/scores lists scores with their leaves.",
        ),
    ),
    "unknown_edition": problem_type(
        404,
        ("没有这一版", "No such edition"),
        (
            "现有版次见 …/versions。",
            "…/versions lists the editions there are.",
        ),
    ),
    "unknown_organisation": problem_type(
        404,
        ("没有这个机构", "No such organisation"),
        (
            "请检查统一社会信用代码;机构列表见 /api/v1/organisations。",
            "Check the unified social credit code; /api/v1/organisations lists them.",
        ),
    ),
    "unknown_obligation": problem_type(
        404,
        ("没有这项归集义务", "No such obligation"),
        (
            "核对义务代码;可在 /api/v1/obligations?q=… 检索。",
            "Check the obligation's code; /api/v1/obligations?q=… searches.",
        ),
    ),
    "unknown_exemption": problem_type(
        404,
        ("没有这项豁免", "No such exemption"),
        (
            "核对豁免代码;可在 /api/v1/exemptions 查看。",
            "Check the exemption's code; /api/v1/exemptions lists them.",
        ),
    ),
    "unknown_report": problem_type(
        404,
        ("没有这份审计报告", "No such audit report"),
        (
            "已上链的报告见 /api/v1/audits/reports。",
            "/api/v1/audits/reports lists the reports that are anchored.",
        ),
    ),
    "nothing_to_audit": problem_type(
        404,
        ("没有可审计的内容", "There is nothing to audit"),
        (
            "请指定不小于 1 的 as_of。",
            "Give an as_of of 1 or more.",
        ),
    ),
    "unknown_resource": problem_type(
        404,
        ("没有这个资源", "No such resource"),
        (
            "已挂接的资源见 /api/v1/resources?entry=…。",
            "/api/v1/resources?entry=… lists what is mounted on an entry.",
        ),
    ),
    "unknown_manifest": problem_type(
        404,
        ("没有这份数据清单", "No such manifest"),
        (
            "数据清单及其日志位置见 /api/v1/manifests?entry=…。",
            "/api/v1/manifests?entry=… lists manifests with their leaf indexes.",
        ),
    ),
    "unknown_correction": problem_type(
        404,
        ("没有这个校核申请", "No such correction request"),
        (
            "请检查申请编号;列表见 /api/v1/corrections。",
            "Check the code; /api/v1/corrections lists the requests.",
        ),
    ),
    "unknown_delivery": problem_type(
        404,
        ("没有这次交付", "No such delivery"),
        (
            "该条目的交付见 /api/v1/deliveries?entry=…,从 1 起编号。",
            "/api/v1/deliveries?entry=… lists an entry's deliveries; their numbers start at 1.",
        ),
    ),
    "unknown_rule": problem_type(
        404,
        ("没有这条归属规则", "No such rule"),
        ("规则列表见 /api/v1/lineage/rules。", "/api/v1/lineage/rules lists them."),
    ),
    "unknown_dataset": problem_type(
        404,
        ("没有作业读写这个数据集", "No job reads or writes that data set"),
        (
            "在用而未编目的数据见 /api/v1/lineage/findings?kind=dark_data。",
            "/api/v1/lineage/findings?kind=dark_data lists what is used and not catalogued.",
        ),
    ),
    "unknown_node": problem_type(
        404,
        ("血缘中没有这个数据集或作业", "No such data set or job in the lineage"),
        (
            "请给出 dataset:<命名空间>:<名称>、job:… 或目录代码;名称以事件中的为准。",
            "Give dataset:<namespace>:<name>, job:… or an entry's code, with names as events give them.",
        ),
    ),
    "unknown_step": problem_type(
        404,
        ("没有这个加工步骤", "No such step"),
        ("步骤列表见 /api/v1/lineage/steps。", "/api/v1/lineage/steps lists them."),
    ),
    "unknown_statement": problem_type(
        404,
        ("没有这条声明", "No such statement"),
        (
            "当前日志大小见 /api/v1/log/checkpoint;序号从 0 起。",
            "/api/v1/log/checkpoint gives the log's size; indexes start at 0.",
        ),
    ),
    "unknown_receipt": problem_type(
        404,
        ("没有这个回执", "No such receipt"),
        (
            "回执号由 POST /api/v1/statements 返回,形如 0x 加 64 位十六进制。",
            "Receipts come from POST /api/v1/statements: 0x and 64 hex digits.",
        ),
    ),
    "unknown_schema": problem_type(
        404,
        ("没有这个模式", "No such schema"),
        ("可用的模式见 /api/v1/schemas。", "/api/v1/schemas lists what there is."),
    ),
}
