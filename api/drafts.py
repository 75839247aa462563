"""What somebody wants to say, as it is sent to ``prepare``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from api.validation import Written
from ledger.statements import MAX_BATCH

StructName = Literal[
    "Organisation",
    "Key",
    "Filing",
    "Decision",
    "Score",
    "Obligation",
    "Binding",
    "Objection",
    "Exemption",
    "Resource",
    "Manifest",
    "Delivery",
    "Correction",
    "Report",
    "DatasetRule",
    "Step",
    "Checkpoint",
]
Version = Annotated[
    int | None,
    Field(default=None, ge=1, description="缺省为下一版。 The next one by default."),
]


class FilingDraft(Written):
    """An entry to file (报送): the entry of ``/api/v1/schemas/entry``, as a draft or for publication."""

    entry: dict[str, Any]
    state: Literal["draft", "submitted"] = "submitted"
    version: Version


class DecisionDraft(Written):
    """A decision on an entry (审核): returning, suspending and revoking need reasons."""

    code: Annotated[str, Field(min_length=1, max_length=128)]
    decision: Literal["returned", "published", "suspended", "revoked"]
    reasons: Annotated[
        list[Annotated[str, Field(max_length=4000)]], Field(max_length=100, default_factory=list)
    ]
    version: Version


class Preparation(Written):
    """What somebody wants to say. The members of ``statements`` depend on ``struct``:

    each has its schema at ``/api/v1/schemas/{struct}`` (lower case). A ``version`` left out becomes the
    one that comes next.
    """

    struct: StructName
    organisation: Annotated[
        str,
        Field(
            min_length=1,
            max_length=40,
            description="发言机构代码。 Code of the speaking organisation.",
        ),
    ]
    deadline: Annotated[
        int | None,
        Field(
            default=None,
            ge=0,
            lt=1 << 53,
            description="签名有效期(Unix 秒),缺省一小时。 Unix seconds; an hour from now by default.",
        ),
    ]
    statements: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MAX_BATCH)]
