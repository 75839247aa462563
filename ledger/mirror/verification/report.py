"""What a verification found, in words and as data."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

LISTED = 50
"""Findings of one kind that are listed one by one; more are counted."""


class Finding(msgspec.Struct, frozen=True):
    """Something that is not as it must be.

    ``kind`` is one of ``leaf tree body authorisation signature version rule projection flag block
    cursor chain head since state lineage``; ``leaf`` the first leaf concerned; ``table`` and ``column``
    where the database is wrong, as far as that can be told; ``zh`` and ``en`` the same in words.
    """

    kind: str
    zh: str
    en: str
    leaf: int | None = None
    table: str | None = None
    column: str | None = None


class Unchecked(msgspec.Struct, frozen=True):
    """Something that could not be checked, and why."""

    zh: str
    en: str


class Report(msgspec.Struct):
    """The outcome. ``counts`` says how many of each thing were checked, ``totals`` how many
    findings of each kind there are (of which at most :data:`LISTED` are listed)."""

    size: int = 0
    root: str | None = None
    counts: dict[str, int] = msgspec.field(default_factory=dict)
    findings: list[Finding] = msgspec.field(default_factory=list)
    totals: dict[str, int] = msgspec.field(default_factory=dict)
    unchecked: list[Unchecked] = msgspec.field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether everything that was checked is as it must be."""
        return not self.totals

    @property
    def complete(self) -> bool:
        """Whether everything was checked."""
        return not self.unchecked

    @property
    def first_leaf(self) -> int | None:
        """The first leaf that is not as it must be."""
        return min((each.leaf for each in self.findings if each.leaf is not None), default=None)

    def add(
        self,
        kind: str,
        zh: str,
        en: str,
        *,
        leaf: int | None = None,
        table: str | None = None,
        column: str | None = None,
    ) -> None:
        """Note a finding."""
        seen = self.totals.get(kind, 0)
        self.totals[kind] = seen + 1
        if seen < LISTED:
            # SQLAlchemy's names are a kind of text that no JSON encoder knows
            names = (None if name is None else str(name) for name in (table, column))
            self.findings.append(Finding(kind, zh, en, leaf, *names))

    def skip(self, zh: str, en: str) -> None:
        """Note something that could not be checked; the same words once."""
        note = Unchecked(zh, en)
        if note not in self.unchecked:
            self.unchecked.append(note)

    def count(self, what: str, number: int) -> None:
        """Add to what was checked."""
        self.counts[what] = self.counts.get(what, 0) + number

    def take(self, other: Report) -> None:
        """Add what another report says, which has findings of other kinds."""
        for what, number in other.counts.items():
            self.count(what, number)
        self.findings += other.findings
        self.totals |= other.totals
        for note in other.unchecked:
            self.skip(note.zh, note.en)

    def lines(self, language: str) -> Iterator[str]:
        """The report for people, ``zh`` or ``en``, one line after the other."""
        chinese = language == "zh"
        yield (
            f"规模 {self.size}，根 {self.root}"
            if chinese
            else f"size {self.size}, root {self.root}"
        )
        for what, number in self.counts.items():
            yield f"  {(COUNTED[what][0] if chinese else COUNTED[what][1])}: {number}"
        for finding in self.findings:
            yield f"✗ {finding.zh if chinese else finding.en}"
        for kind, total in self.totals.items():
            if total > LISTED:
                more = total - LISTED
                yield (
                    f"✗ …另有 {more} 处同类问题（{kind}）"
                    if chinese
                    else f"✗ … {more} more ({kind})"
                )
        for note in self.unchecked:
            yield f"? 未核验：{note.zh}" if chinese else f"? not checked: {note.en}"
        if self.ok:
            yield "✓ 所核验的均相符" if chinese else "✓ everything that was checked holds"


COUNTED: dict[str, tuple[str, str]] = {
    "leaves": ("重新推导的叶", "leaves derived again"),
    "tiles": ("树瓦片", "tiles of the tree"),
    "signatures": ("重新核验的签名", "signatures checked again"),
    "contract_signatures": ("向合约账户核实的签名", "signatures that contract accounts confirmed"),
    "rules": ("按规则重放的声明", "statements replayed by the rules"),
    "rows": ("重新投影并比对的行", "projected rows compared with fresh ones"),
    "chain_leaves": ("与链上事件比对的声明", "statements compared with the chain's events"),
    "blocks": ("与链比对的区块", "blocks compared with the chain"),
    "journal_entries": ("重新折叠的血缘日志条目", "entries of the lineage journal folded again"),
    "folded_rows": ("重新折叠并比对的行", "folded rows compared with fresh ones"),
    "heads": ("与合约比对的主题状态", "heads compared with the contract's"),
}
"""What :attr:`Report.counts` counts."""
