"""From statements to rows:
what is shown, what is kept out, and that rows follow from the log alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, insert

from ledger.canonical import canonical_json, parse_canonical
from ledger.catalogue import queries
from ledger.catalogue.entry import Entry
from ledger.catalogue.history import acts_of
from ledger.catalogue.projection import PROJECTION
from ledger.catalogue.queries import CatalogueQueryError
from ledger.catalogue.statements import Revision, Verdict, decision, filing, filing_values
from ledger.codes import ENTRY_TRANSITIONS, FILING_TRANSITIONS, EntryState
from ledger.mirror.projections import Decoded
from ledger.mirror.tables import statement
from ledger.statements import DECISION, FILING, Batch, Statement
from ledger.store.engine import writing

from .conftest import (
    AUTHORITY,
    FAR,
    OWNER,
    TinyLog,
    decide_one,
    file_one,
    row_of,
    statements_of,
    whole_entry,
)

CODE = "307015/000001"
REASONED = {EntryState.RETURNED, EntryState.SUSPENDED, EntryState.REVOKED}


def test_an_entry_shows_the_edition_in_force_and_the_one_under_review(
    log: TinyLog, mirror: Connection
) -> None:
    file_one(log, whole_entry())
    decide_one(log, CODE, 2, EntryState.PUBLISHED)
    file_one(log, whole_entry(name="户籍人口信息"), 3)
    shown = queries.show(mirror, CODE)
    assert shown.published is not None
    assert shown.published.document["name"] == "户籍人口基本信息"
    assert shown.pending is not None
    assert (shown.pending.edition, shown.pending.document["name"]) == (2, "户籍人口信息")
    assert (shown.entry.state, shown.entry.published_edition) == ("submitted", 1)


def test_a_published_revision_replaces_the_edition_in_force(
    log: TinyLog, mirror: Connection
) -> None:
    file_one(log, whole_entry())
    decide_one(log, CODE, 2, EntryState.PUBLISHED)
    file_one(log, whole_entry(name="户籍人口信息"), 3)
    decide_one(log, CODE, 4, EntryState.PUBLISHED)
    shown = queries.show(mirror, CODE)
    assert shown.pending is None
    assert shown.published is not None
    assert shown.published.edition == 2


def test_resuming_a_suspended_entry_publishes_no_newer_edition(
    log: TinyLog, mirror: Connection
) -> None:
    file_one(log, whole_entry())
    decide_one(log, CODE, 2, EntryState.PUBLISHED)
    decide_one(log, CODE, 3, EntryState.SUSPENDED, "系统升级")
    assert queries.show(mirror, CODE).entry.state == "suspended"
    with log.engine.connect() as fresh:
        assert acts_of(fresh, CODE)[-1].reasons == ("系统升级",)
    decide_one(log, CODE, 4, EntryState.PUBLISHED)
    with log.engine.connect() as fresh:
        entry = queries.show(fresh, CODE).entry
        assert (entry.state, entry.edition, entry.published_edition) == ("published", 1, 1)


def test_history_names_every_act_with_leaf_signer_and_time(
    log: TinyLog, mirror: Connection
) -> None:
    filed = file_one(log, whole_entry())[0]
    decide_one(log, CODE, 2, EntryState.RETURNED, "缺少使用条件", "格式有误")
    acts = acts_of(mirror, CODE)
    assert [(act.leaf, act.act, act.state) for act in acts] == [
        (0, "filed", "submitted"),
        (1, "decided", "returned"),
    ]
    assert acts[0].signer == "0x" + filed.signer.hex()
    assert acts[0].organisation == "0x" + filed.org.hex()
    assert acts[0].recorded_at == filed.recorded_at
    assert acts[1].reasons == ("缺少使用条件", "格式有误")


def decoded(values: dict[str, Any], body: bytes, organisation: str = OWNER) -> Decoded:
    struct = FILING if "shareType" in values else DECISION
    batch = Batch(struct, organisation, FAR, (values,), (body,))
    one = statements_of(batch, 0)[0]
    return Decoded(one, struct, struct.decode(one.payload), parse_canonical(body))


def filed(organisation: str = OWNER, **typed: int) -> Callable[..., Decoded]:
    def with_body(**changes: Any) -> Decoded:
        entry = Entry.parse(whole_entry())
        body = {**entry.document(), **changes}
        kept = {name: value for name, value in body.items() if value is not None}
        values = {**filing_values(Revision(entry)), **typed}
        return decoded(values, canonical_json(kept), organisation)

    return with_body


def decided(state: EntryState = EntryState.PUBLISHED, **changes: Any) -> Decoded:
    body: dict[str, Any] = {"code": CODE, "decision": state.value, "reasons": []}
    kept = {name: value for name, value in (body | changes).items() if value is not None}
    values = {"code": CODE, "version": 2, "state": state.number}
    return decoded(values, canonical_json(kept), AUTHORITY)


ENVELOPE = {
    name: None for name in Entry.parse(whole_entry()).document() if name not in ("code", "provider")
} | {"commitment": "ab" * 32, "restricted": True}

MALFORMED = [
    (filed()(code="307015/000002"), "body/code"),
    (filed()(code=None), "body/code"),
    (filed()(provider="TMP-OTHER"), "body/provider"),
    (filed(AUTHORITY)(), "body/provider"),
    (filed(state=4)(), "state"),
    (filed(shareType=1)(), "shareType"),
    (filed(openType=1)(), "openType"),
    (filed(updateCycle=9)(), "updateCycle"),
    (filed(library=4)(), "library"),
    (filed(grade=1)(), "grade"),
    (filed(grade=1)(grade=1), "grade"),
    (filed()(share_type="whatever"), "body/share_type"),
    (filed()(colour="red"), "body/colour"),
    (filed()(name=None), "body/name"),
    (filed()(restricted=True), "body: a restricted entry"),
    (filed()(**ENVELOPE | {"name": "x"}), "body: an envelope"),
    (filed()(**ENVELOPE | {"commitment": "AB" * 32}), "body/commitment"),
    (filed()(**ENVELOPE | {"commitment": "ab" * 31}), "body/commitment"),
    (filed()(**ENVELOPE | {"restricted": False}), "body/restricted"),
    (filed(grade=200)(**ENVELOPE), "grade"),
    (decided(code="307015/000002"), "body/code"),
    (decided(decision="revoked"), "body/decision"),
    (decided(decision=None), "body/decision"),
    (decided(reasons="because"), "body/reasons"),
    (decided(note="x"), "body/note"),
]


@pytest.mark.parametrize(("given", "where"), MALFORMED)
def test_a_statement_whose_body_is_not_what_was_signed_is_malformed(
    given: Decoded, where: str
) -> None:
    why = PROJECTION.malformed(given)
    assert why is not None
    assert why.startswith(where)


@pytest.mark.parametrize(
    "given",
    [
        filed()(),
        filed()(**ENVELOPE),
        filed(grade=0)(**ENVELOPE),
        decided(),
        decided(reasons=["好"]),
    ],
)
def test_a_well_formed_statement_is_not_malformed(given: Decoded) -> None:
    assert PROJECTION.malformed(given) is None


def test_a_malformed_filing_counts_as_edition_but_shows_nothing(log: TinyLog) -> None:
    file_one(log, whole_entry())
    decide_one(log, CODE, 2, EntryState.PUBLISHED)
    good = filing(OWNER, [Revision(Entry.parse(whole_entry()), 3)], FAR).batch
    log.append(Batch(FILING, OWNER, FAR, good.values, (b'{"code":"307015/000001"}',)))
    assert list(log.flags) == [2]
    with log.engine.connect() as fresh:
        assert queries.show(fresh, CODE).entry.state == "published"
    decide_one(log, CODE, 4, EntryState.PUBLISHED)
    with log.engine.connect() as fresh:
        shown = queries.show(fresh, CODE)
        assert (shown.entry.edition, shown.entry.published_edition) == (2, 2)
        assert (shown.published, shown.pending) == (None, None)
        assert [one.edition for one in queries.editions(fresh, CODE)] == [1]
    file_one(log, whole_entry(name="户籍人口信息"), 5)
    with log.engine.connect() as fresh:
        assert [one.edition for one in queries.editions(fresh, CODE)] == [1, 3]
        with pytest.raises(CatalogueQueryError, match="has no edition 2: it has 1, 3"):
            queries.edition(fresh, CODE, 2)


def test_an_entry_whose_first_filing_was_malformed_begins_with_its_second(log: TinyLog) -> None:
    good = filing(OWNER, [Revision(Entry.parse(whole_entry()), 1)], FAR).batch
    log.append(Batch(FILING, OWNER, FAR, good.values, (b"{}",)))
    decide_one(log, CODE, 2, EntryState.RETURNED, "正文不符")
    with log.engine.connect() as fresh:
        with pytest.raises(CatalogueQueryError):
            queries.show(fresh, CODE)
        assert [act.act for act in acts_of(fresh, CODE)] == ["decided"]
    file_one(log, whole_entry(), 3)
    with log.engine.connect() as fresh:
        entry = queries.show(fresh, CODE).entry
        assert (entry.version, entry.edition, entry.state) == (3, 2, "submitted")


Step = tuple[int, int, int]
LIVES = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5), st.integers(0, 3)), max_size=14)


def batches(steps: list[Step]) -> list[Batch]:
    """A lawful life for a few entries: each step picks an entry and one of the acts it may see."""
    heads: dict[str, tuple[int, EntryState | None]] = {}
    made: list[Batch] = []
    for which, choice, flavour in steps:
        code = f"307015/{which + 1:06d}"
        version, state = heads.get(code, (0, None))
        acts: list[tuple[str, EntryState]] = [
            ("file", to) for to in sorted(FILING_TRANSITIONS[state], key=lambda one: one.number)
        ]
        if state is not None:
            acts += [
                ("decide", to)
                for to in sorted(ENTRY_TRANSITIONS[state], key=lambda one: one.number)
            ]
        if not acts:
            continue
        act, to = acts[choice % len(acts)]
        if act == "file":
            names = ["姓名", "住址", "电话", "学历"][: flavour + 1]
            document = whole_entry(
                code,
                name=f"名录{'甲乙丙丁'[flavour]}{which}",
                items=[
                    {"name": name, "data_type": "char", "length": 9, "grade": flavour + 1}
                    for name in names
                ],
            )
            entry = Entry.parse(document)
            made.append(filing(OWNER, [Revision(entry, version + 1, to)], FAR).batch)
        else:
            reasons = ("理由",) if to in REASONED else ()
            made.append(decision(AUTHORITY, [Verdict(code, version + 1, to, reasons)], FAR))
        heads[code] = (version + 1, to)
    return made


@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=LIVES, at=st.integers(0, 14))
def test_a_cut_leaves_the_rows_that_the_shorter_log_gives(
    make_log: Callable[[], TinyLog], steps: list[Step], at: int
) -> None:
    life = batches(steps)
    cut = min(at, len(life))
    long, short = make_log(), make_log()
    for batch in life:
        long.append(batch)
    for batch in life[:cut]:
        short.append(batch)
    with long.engine.connect() as now, short.engine.connect() as then:
        before = queries.search(now, as_of=cut)
        assert before == queries.search(then)
        for entry in before.entries:
            assert queries.show(now, entry.code, as_of=cut) == queries.show(then, entry.code)
            assert acts_of(now, entry.code, as_of=cut) == acts_of(then, entry.code)
        assert queries.facets(now, as_of=cut) == queries.facets(then)
    long.cut(cut)
    assert long.rows() == short.rows()


@settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=LIVES)
def test_rows_do_not_depend_on_how_statements_are_batched(
    make_log: Callable[[], TinyLog], steps: list[Step]
) -> None:
    one_by_one, at_once = make_log(), make_log()
    for batch in batches(steps):
        one_by_one.append(batch)
    with writing(at_once.engine) as connection:
        fresh: list[Statement] = [taken.statement for taken in one_by_one.taken]
        if fresh:
            connection.execute(insert(statement), [row_of(one) for one in fresh])
        PROJECTION.apply(connection, one_by_one.taken)
    assert at_once.rows() == one_by_one.rows()


ODD = "307015/\u0000"
TOO_LONG = "3" * 200
PADDED = f"{CODE} "


def odd_filing(code: str, **body: object) -> Batch:
    """A filing that no builder makes, signed all the same."""
    stated = {
        "code": code,
        "version": 1,
        "state": EntryState.DRAFT.number,
        **dict.fromkeys(("shareType", "openType", "grade", "updateCycle", "library"), 0),
    }
    return Batch(FILING, OWNER, FAR, (stated,), (canonical_json({"code": code, **body}),))


@pytest.mark.parametrize("code", [ODD, TOO_LONG, PADDED])
@pytest.mark.parametrize(
    "body",
    [
        {"provider": OWNER, "name": "名单"},
        {"provider": OWNER, "restricted": True, "commitment": "ab" * 32},
    ],
    ids=["open", "restricted"],
)
def test_a_code_that_no_database_could_keep_is_flagged(
    log: TinyLog, code: str, body: dict[str, object]
) -> None:
    log.append(odd_filing(code, **body))
    revoked = {"code": code, "version": 2, "state": EntryState.REVOKED.number}
    reasons = canonical_json({"code": code, "decision": "revoked", "reasons": ["代码不合规"]})
    log.append(Batch(DECISION, AUTHORITY, FAR, (revoked,), (reasons,)))
    assert all(log.flags[leaf].startswith("body/code") for leaf in (0, 1))
    assert not any(log.rows().values())


def test_no_flag_holds_what_a_database_or_terminal_would_choke_on(log: TinyLog) -> None:
    name = "\u0000\u001b[2J"
    log.append(odd_filing(CODE, provider=OWNER, name="名单", **{name: 1}))
    decided = {"code": CODE, "version": 2, "state": EntryState.REVOKED.number}
    body = canonical_json({"code": CODE, "decision": "revoked", "reasons": [], name: 1})
    log.append(Batch(DECISION, AUTHORITY, FAR, (decided,), (body,)))
    assert set(log.flags) == {0, 1}
    assert all("\\u0000\\u001b[2J" in why for why in log.flags.values())


def test_what_is_neither_filing_nor_decision_does_not_stop_the_entry(
    log: TinyLog, mirror: Connection
) -> None:
    file_one(log, whole_entry())
    verdict = Verdict(CODE, 2, EntryState.RETURNED, ("请补充",))
    (strange,) = statements_of(decision(AUTHORITY, [verdict], FAR), 1)
    with writing(log.engine) as connection:
        row = row_of(strange) | {"payload": b"not a struct"}
        connection.execute(insert(statement), [row])
    log.taken.append(log.taken[0])
    file_one(log, whole_entry(name="户籍人口信息"), 3)
    assert queries.show(mirror, CODE).entry.version == 3
