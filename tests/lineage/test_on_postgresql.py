"""Every question about lineage at the terminal, over a mirror on PostgreSQL: the answers of SQLite, to the byte."""

from __future__ import annotations

from pathlib import Path

from ledger.lineage import queries
from ledger.store.engine import open_database
from tests.lineage.events import NAMESPACE
from tests.lineage.traced import ORACLE, THEME
from tests.person import Person
from tests.small_office import EDUCATION, PUBLISHED

SOURCE = f"{ORACLE}:SCHOOL"
DARK = f"{NAMESPACE}:std.schools"
QUESTIONS: tuple[tuple[str, ...], ...] = (
    ("trace", THEME, "--json"),
    ("trace", PUBLISHED, "--both", "--kind", "run", "--json"),
    ("trace", f"{NAMESPACE}:zt.theme", "--prov-json", "-"),
    ("impact", PUBLISHED, "--json"),
    ("impact", PUBLISHED, "--depth", "1", "--json"),
    ("column", f"{THEME}.名称", "--json"),
    ("column", f"{PUBLISHED}.学校名称", "--downstream", "--json"),
    ("path", SOURCE, THEME, "--json"),
    ("certify", THEME, "--delivery", "1", "--item", "名称"),
    ("findings", "--json"),
    ("findings", "--kind", "dark_data", "--org", EDUCATION, "--json"),
    ("composition", "--json"),
    ("composition", "--library", "theme", "--unsourced", "--json"),
    ("draft", DARK),
    ("steps", "--json"),
    ("rule", "list", "--json"),
    ("rule", "match", NAMESPACE, "ods.schools", "--json"),
)


def test_every_question_is_answered_alike_on_both_databases(
    traced: Person, tmp_path: Path, postgresql_url: str
) -> None:
    other = traced.copy(tmp_path / "ledger")
    other.more = {**other.more, "GOVLEDGER_MIRROR_URL": postgresql_url}
    anchors = traced.run("journal", "anchors", "--json").json()["checkpoints"]
    first = str(min(one["leaf_from"] for one in anchors) + 1)
    for asked in (
        *QUESTIONS,
        (*QUESTIONS[0], "--as-of", first),
        ("findings", "--as-of", first, "--json"),
    ):
        found = [person.run("lineage", *asked).out for person in (traced, other)]
        assert found[0] == found[1], asked
        assert len(found[0]) > 2, asked
    engine = open_database(postgresql_url, "mirror")
    with engine.connect() as connection:
        assert queries.counts(connection).edges > 0, "it was this mirror that answered"
    engine.dispose()
