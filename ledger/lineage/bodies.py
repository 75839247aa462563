"""Bodies of statements about lineage (血缘): rules, declared steps, checkpoints of journals."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from ledger.bodies import Line, Prose
from ledger.codes import StepType
from ledger.lineage.identity import ENTRY_NAMESPACE, dataset_number
from ledger.organisations.bodies import OrganisationCode

MAX_CODE = 128
MOST_ENDS = 1_000
"""Most inputs, outputs and column mappings of one step."""
LOWEST_PRIORITY, HIGHEST_PRIORITY = -1_000, 1_000


def _code(text: str) -> str:
    if len(text) > MAX_CODE:
        raise ValueError(f"a code has at most {MAX_CODE} characters, this one has {len(text)}")
    if any(character.isspace() for character in text):
        raise ValueError("a code has no spaces")
    return text


def _step_type(text: str) -> str:
    if all(text != member.value for member in StepType):
        raise ValueError(f"{text!r} is none of {', '.join(member.value for member in StepType)}")
    return text


LineageCode = Annotated[Line, AfterValidator(_code)]
"""Code of a rule or step: 1 to 128 characters, no spaces; chosen by who signs."""
Pattern = Annotated[str, Field(min_length=1, max_length=640)]
"""A name; ``*`` stands for any characters, ``?`` for one."""
Priority = Annotated[int, Field(ge=LOWEST_PRIORITY, le=HIGHEST_PRIORITY, strict=True)]
Grade = Annotated[int, Field(ge=1, le=4, strict=True)]
Reasons = Annotated[list[Prose], Field(max_length=50)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    def said(self) -> dict[str, Any]:
        """The members that say something."""
        return dict(_said(self.model_dump()))


def _said(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        kept = ((name, _said(member)) for name, member in value.items())
        return {name: member for name, member in kept if member is not None and member != []}
    if isinstance(value, list):
        return [_said(member) for member in value]
    return value


class RuleBody(_Body):
    """Body of a ``DatasetRule``: data sets whose namespace and name match belong to ``entry``."""

    code: LineageCode
    holder: OrganisationCode
    entry: Line
    namespace: Pattern
    name: Pattern
    system: Line | None = None
    priority: Priority = 0
    note: Prose | None = None
    reasons: Reasons = []


class End(_Body):
    """A data set by ``namespace`` and ``name``, or a catalogue entry (目录条目) by its code."""

    namespace: Pattern | None = None
    name: Pattern | None = None
    entry: Line | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        named = self.namespace is not None and self.name is not None
        if named == (self.entry is not None) or (self.namespace is None) != (self.name is None):
            raise ValueError("name a data set by namespace and name, or an entry by its code")
        return self

    @property
    def names(self) -> tuple[str, str]:
        """Namespace and name of the data set; an entry stands as one too."""
        return self.namespace or ENTRY_NAMESPACE, self.name or self.entry or ""

    @property
    def number(self) -> int:
        return dataset_number(*self.names)


class ColumnEnd(End):
    """A column (数据项) of an end; without ``field`` the whole of it is meant."""

    field: Pattern | None = None


class Mapping(_Body):
    """From columns to a column; ``kind`` INDIRECT where they decide which rows come and not what they hold."""

    output: ColumnEnd
    inputs: Annotated[list[ColumnEnd], Field(min_length=1, max_length=MOST_ENDS)]
    kind: Annotated[str, Field(pattern="^(DIRECT|INDIRECT)$")] = "DIRECT"
    subtype: Line | None = None
    masking: bool = False


class Deidentification(_Body):
    """How a step de-identifies (去标识化), GB/T 37964-2019; grades as in the catalogue, 1 to 4."""

    method: Line
    standard: Line | None = None
    grade_before: Grade | None = None
    grade_after: Grade | None = None
    note: Prose | None = None


class StepBody(_Body):
    """Body of a ``Step``: what goes in, what comes out, which columns, and what is taken away."""

    code: LineageCode
    name: Line
    name_en: Line | None = None
    type: Annotated[str, AfterValidator(_step_type)]
    inputs: Annotated[list[End], Field(min_length=1, max_length=MOST_ENDS)]
    outputs: Annotated[list[End], Field(min_length=1, max_length=MOST_ENDS)]
    columns: Annotated[list[Mapping], Field(max_length=MOST_ENDS)] = []
    deidentification: Deidentification | None = None
    note: Prose | None = None
    reasons: Reasons = []

    @model_validator(mode="after")
    def _columns_of_these_ends(self) -> Self:
        inputs = {end.number for end in self.inputs}
        outputs = {end.number for end in self.outputs}
        for place, mapping in enumerate(self.columns):
            if mapping.output.number not in outputs:
                raise ValueError(f"columns/{place}/output is none of the step's outputs")
            for at, end in enumerate(mapping.inputs):
                if end.number not in inputs:
                    raise ValueError(f"columns/{place}/inputs/{at} is none of the step's inputs")
        for name, ends in (("inputs", self.inputs), ("outputs", self.outputs)):
            if len({end.number for end in ends}) != len(ends):
                raise ValueError(f"{name} name the same twice")
        return self


class CheckpointBody(_Body):
    """Body of a ``Checkpoint``; ``root`` in hex, lower case."""

    origin: Annotated[str, Field(min_length=1, max_length=256)]
    size: Annotated[int, Field(ge=1)]
    root: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
