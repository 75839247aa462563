"""Errors as RFC 9457 problem details: one shape, in the reader's language, each with a way out.

Every type that the API can answer stands in :data:`PROBLEMS`; ``GET /problems/{code}`` explains it, and
``docs/api.md`` lists it. A problem has ``type``, ``title``, ``status``, ``detail``, ``instance``, and beside
these ``code`` (the last part of the type), ``hint`` (what to do) and, where single values are at fault,
``errors``: a list of ``{pointer, detail, code}``, where ``pointer`` is a JSON Pointer into the request body
(RFC 6901), or ``?name`` for a query parameter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from starlette.datastructures import Headers
from starlette.responses import Response

from api.absences import ABSENCES
from api.language import Language, Text, negotiate
from api.problem_type import ProblemType, problem_type

PROBLEM_JSON = "application/problem+json"


PROBLEMS: dict[str, ProblemType] = {
    "malformed_request": problem_type(
        400,
        ("请求无法读取", "The request cannot be read"),
        ("请按 /docs 中的格式修改请求。", "Change the request to the form given in /docs."),
    ),
    "unknown_parameter": problem_type(
        400,
        ("未知查询参数", "Unknown query parameter"),
        (
            "请删除该参数,或更正其拼写;忽略它会悄悄返回别的结果。",
            "Remove it or correct its spelling; ignoring it would quietly answer something else.",
        ),
    ),
    "invalid_cursor": problem_type(
        400,
        ("游标无效", "The cursor is not valid here"),
        (
            "请从第一页重新开始(不带 cursor),并在翻页时保持其他参数不变。",
            "Start again without cursor, and keep all other parameters the same between pages.",
        ),
    ),
    "invalid_as_of": problem_type(
        400,
        ("as_of 无效", "as_of is not valid"),
        (
            "请给出日志大小(整数,不超过当前大小)或 ISO 8601 时间。",
            "Give a log size (an integer up to the present one) or an ISO 8601 time.",
        ),
    ),
    "token_missing": problem_type(
        401,
        ("缺少访问令牌", "A bearer token is needed"),
        (
            "请用 `govledger token create --scope lineage:write` 创建令牌,并以 Authorization: Bearer 发送。",
            "Make one with `govledger token create --scope lineage:write`; send it as Authorization: Bearer.",
        ),
    ),
    "token_refused": problem_type(
        401,
        ("访问令牌无效", "The bearer token is not good"),
        (
            "请检查令牌是否完整、过期或已吊销(`govledger token list`),必要时重新创建。",
            "See whether it is whole, expired or revoked (`govledger token list`); make a new one if so.",
        ),
    ),
    "scope_missing": problem_type(
        403,
        ("访问令牌权限不足", "The bearer token does not allow this"),
        (
            "请使用具有所需权限的令牌。",
            "Use a token with the scope that the detail names.",
        ),
    ),
    "role_missing": problem_type(
        403,
        ("密钥无此权限", "The key may not sign this"),
        (
            "请使用本机构具有所需角色且未吊销的密钥签名;密钥列表见 /api/v1/organisations/{code}/keys。",
            "Sign with an active key that holds the role: /api/v1/organisations/{code}/keys.",
        ),
    ),
    "not_owner": problem_type(
        403,
        ("不是该条目的提供单位", "Not the owner of this subject"),
        (
            "只有提供单位可以报送和修订自己的目录条目。",
            "Only the organisation that owns a subject may file or revise it.",
        ),
    ),
    "bad_signature": problem_type(
        403,
        ("签名不符", "The signature does not fit"),
        (
            "请对 prepare 返回的 typed_data 原样签名,并确认 signer 是签名密钥的地址。",
            "Sign the typed_data from prepare exactly as it is, and name the signing key as signer.",
        ),
    ),
    "journal_not_counted": problem_type(
        409,
        ("血缘日志此时不能计入", "The lineage journal cannot be counted at that size"),
        (
            "请不带 journal 查询,或在日志锚定上链(`govledger journal anchor`)之后的大小查询。",
            "Ask without journal, or as of a size at which it was anchored (`govledger journal anchor`).",
        ),
    ),
    "report_not_reproduced": problem_type(
        409,
        ("无法重算出这份报告", "The report cannot be worked out here"),
        (
            "该报告采用了其他审计口径或日历;请向发布单位索取原文,用 `govledger audit verify` 核验。",
            "It was made under another policy or calendar: verify its auditor's file with `audit verify`.",
        ),
    ),
    "dataset_covered": problem_type(
        409,
        ("该数据集已归入目录", "An entry covers that data set already"),
        (
            "归属规则见 /api/v1/lineage/rules。",
            "/api/v1/lineage/rules lists the rules that say so.",
        ),
    ),
    "method_not_allowed": problem_type(
        405,
        ("此地址不支持该方法", "The method is not allowed here"),
        ("请使用 Allow 头列出的方法。", "Use a method that the Allow header lists."),
    ),
    "stale_version": problem_type(
        409,
        ("版本已过时", "The version is stale"),
        (
            "其间已有新版本:请重新读取,再以 expected_version 重新准备并签名。",
            "Somebody was faster: read the subject again, then prepare and sign expected_version.",
        ),
    ),
    "illegal_transition": problem_type(
        409,
        ("状态不能这样变更", "The state cannot change like this"),
        (
            "请先读取当前状态;允许的变更见 docs/api.md 的状态表。",
            "Read the present state first; docs/api.md has the table of changes allowed.",
        ),
    ),
    "precondition_failed": problem_type(
        412,
        ("前提条件不成立", "The precondition failed"),
        (
            "条目在您读取之后已变更:请重新读取,核对后再提交。",
            "The subject changed since you read it: read it again, compare, then prepare again.",
        ),
    ),
    "body_too_large": problem_type(
        413,
        ("请求体过大", "The request body is too large"),
        (
            "请减少每批声明的数量,或缩短正文;血缘事件的上限为 lineage_max_bytes。",
            "Send fewer statements in a batch, or shorter bodies; lineage_max_bytes bounds an event.",
        ),
    ),
    "unsupported_media_type": problem_type(
        415,
        ("不支持的内容类型", "The content type is not supported"),
        (
            "请以 Content-Type: application/json 发送 UTF-8 编码的 JSON。",
            "Send JSON in UTF-8 with Content-Type: application/json.",
        ),
    ),
    "misdirected_request": problem_type(
        421,
        ("请求不属于本服务", "The request is not meant for this server"),
        (
            "本服务只在本机回环地址上应答:请使用 http://127.0.0.1:端口/。",
            "This server answers on the loopback address only: use http://127.0.0.1:PORT/.",
        ),
    ),
    "unknown_calendar": problem_type(
        422,
        ("没有该年的工作日历", "The working days of that year are not known"),
        (
            "国务院公布放假安排并升级 chinesecalendar 后再试;或用 day 询问日历已知的日期。",
            "Ask about a day that the calendar knows (day=…), or again once chinesecalendar has that year.",
        ),
    ),
    "validation_failed": problem_type(
        422,
        ("内容未通过校验", "The content did not pass validation"),
        ("请按 errors 逐项修改。", "Correct what errors lists, one by one."),
    ),
    "idempotency_key_reused": problem_type(
        422,
        ("Idempotency-Key 已用于别的请求", "The Idempotency-Key belongs to another request"),
        (
            "新的请求请使用新的 Idempotency-Key。",
            "Use a fresh Idempotency-Key for a new request.",
        ),
    ),
    "deadline_passed": problem_type(
        422,
        ("签名期限已过", "The deadline has passed"),
        (
            "请重新 prepare(会给出新的期限)并签名。",
            "Prepare again (which gives a new deadline) and sign that.",
        ),
    ),
    "wrong_ledger": problem_type(
        422,
        ("签名属于另一个账本", "Signed for another ledger"),
        (
            "typed_data 的 domain 必须是本账本的链和合约;请在此处重新 prepare。",
            "The domain of typed_data must be this ledger's chain and contract; prepare it here.",
        ),
    ),
    "cosignature_missing": problem_type(
        422,
        ("缺少部门负责人的签名", "The head's signature is missing"),
        (
            "请由本机构具有 HEAD 角色的另一把密钥对同一 typed_data 签名,填入 cosigner 与 cosignature。",
            "Let a key with the role HEAD sign the same typed_data: cosigner and cosignature.",
        ),
    ),
    "not_anchored": problem_type(
        409,
        ("血缘事件尚未锚定上链", "Events of lineage are not anchored yet"),
        (
            "请稍后再试,或运行 `govledger journal anchor`,或给出较早的 as_of。",
            "Try again later, run `govledger journal anchor`, or give an earlier as_of.",
        ),
    ),
    "unprovable": problem_type(
        422,
        ("无法生成证明", "No proof can be made"),
        ("请用较新的版本。", "Use a newer release."),
    ),
    "refused": problem_type(
        422,
        ("合约拒绝了该声明", "The contract refuses the statement"),
        ("请按说明修改后重新准备并签名。", "Change what the detail names, prepare and sign again."),
    ),
    "misconfigured": problem_type(
        500,
        ("服务设置有误", "A setting of the server is wrong"),
        (
            "请管理员更正 docs/settings.md 所述的设置。",
            "The operator corrects it: docs/settings.md.",
        ),
    ),
    "internal_error": problem_type(
        500,
        ("服务内部错误", "The server made a mistake"),
        (
            "数据未受影响;请把 instance 和时间告诉管理员,日志中有详细原因。",
            "No data were touched; tell the operator the instance and the time, the log has the cause.",
        ),
    ),
    "registry_missing": problem_type(
        503,
        ("账本缺少登记合约", "The ledger lacks a registry"),
        (
            "该账本由较早版本部署;请管理员运行 govledger chain upgrade,然后重启服务。",
            "Have the operator run `govledger chain upgrade`, and start the server again.",
        ),
    ),
    "chain_unavailable": problem_type(
        503,
        ("暂时无法连接区块链", "The chain cannot be reached"),
        (
            "查询不受影响;请稍后重试,或查看 /readyz。",
            "Reading still works; try again later, or look at /readyz.",
        ),
    ),
    "overloaded": problem_type(
        503,
        ("服务繁忙", "The server is busy"),
        (
            "请按 Retry-After 稍后重发;内容未写入。",
            "Send it again after Retry-After; nothing of it was kept.",
        ),
    ),
    "storage_unavailable": problem_type(
        503,
        ("暂时无法使用数据库", "The database cannot be used at the moment"),
        (
            "请稍后重试;若持续出现,请检查磁盘空间并查看 /readyz。",
            "Try again later; if it stays, check the disk for space and look at /readyz.",
        ),
    ),
    **ABSENCES,
}
"""code -> type. The URI of a type is ``/problems/{code}``, relative to the server (RFC 9457, 3.1.1)."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One value at fault: where (JSON Pointer or ``?parameter``), why, and a machine-readable code."""

    pointer: str
    detail: Text
    code: str


@dataclass
class Problem(Exception):
    """An answer that is an error. ``members`` are extension members, such as ``expected_version``."""

    code: str
    detail: Text
    errors: Sequence[Fault] = ()
    members: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int | None = None
    hint: Text | None = None

    def __post_init__(self) -> None:
        super().__init__(f"{self.code}: {self.detail.en}")

    def document(self, language: Language, instance: str) -> dict[str, Any]:
        """The problem details object in one language."""
        kind = PROBLEMS[self.code]
        document: dict[str, Any] = {
            "type": f"/problems/{self.code}",
            "title": kind.title.of(language),
            "status": self.status or kind.status,
            "detail": self.detail.of(language),
            "instance": instance,
            "code": self.code,
            "hint": (self.hint or kind.hint).of(language),
        }
        if self.errors:
            document["errors"] = [
                {
                    "pointer": fault.pointer,
                    "detail": fault.detail.of(language),
                    "code": fault.code,
                }
                for fault in self.errors
            ]
        return document | dict(self.members)


def problem_response(problem: Problem, headers: Headers, path: str, default: Language) -> Response:
    """The HTTP answer for a problem, in the language that the request's ``headers`` ask for."""
    language = negotiate(headers.get("accept-language"), default)
    document = problem.document(language, path)
    return Response(
        msgspec.json.encode(document),
        status_code=document["status"],
        media_type=PROBLEM_JSON,
        headers={
            "content-language": language,
            "vary": "Accept-Language",
            "cache-control": "no-store",
            **problem.headers,
        },
    )
