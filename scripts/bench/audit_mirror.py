"""A mirror with obligations as a district has them, for the bench of audits (审计基准的镜像).

The database itself writes the rows, as if their statements had been projected: for every twenty obligations a duty, two
systems and seventeen tables, each with an entry of three items (filed in a statement of some 600 bytes, which the audit
holds against the database byte for byte), a binding, a resource, a manifest, a delivery and a score, but for two or
three in a hundred where one of these is missing.
"""

from __future__ import annotations

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.pool import NullPool

from ledger.store.engine import open_database, writing

ORGANISATIONS = 60
BEGUN = 1_767_225_600
"""1 January 2026 in Unix seconds."""
AUDITED = 1_786_665_600
"""14 August 2026: the day of the last leaf."""
SHARED = 2_000
"""Names of items that entries of several organisations have."""
TABLE = "(i % 20 <> 0 AND i % 10 <> 1)"
"""Which numbers are tables; the others are duties and systems."""
FILED = f"{TABLE} AND i % 50 <> 49"


def code(prefix: str, number: str) -> str:
    """SQL for a code of eight digits."""
    return f"'{prefix}' || CAST(10000000 + ({number}) AS TEXT)"


class Writer:
    """Writes rows by INSERT ... SELECT over a table of numbers, in either database's words."""

    def __init__(self, connection: Connection, count: int) -> None:
        self.connection = connection
        self.sqlite = connection.dialect.name == "sqlite"
        series = (
            f"WITH RECURSIVE g(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM g WHERE i < {count - 1}) "  # noqa: S608
            "SELECT i FROM g"
            if self.sqlite
            else f"SELECT generate_series(0, {count - 1}) AS i"
        )
        connection.exec_driver_sql(f"CREATE TEMPORARY TABLE numbers AS {series}")

    def encoded(self, told: str) -> str:
        """SQL for the bytes of a text in UTF-8."""
        return f"CAST({told} AS BLOB)" if self.sqlite else f"convert_to({told}, 'UTF8')"

    def hashed(self, number: str) -> str:
        """SQL for 32 bytes that follow from a number."""
        return self.encoded(
            f"'digest' || CAST(1000000000 + ({number}) AS TEXT) || 'abcdefghijklmnop'"
        )

    @property
    def true(self) -> str:
        return "1" if self.sqlite else "true"

    @property
    def false(self) -> str:
        return "0" if self.sqlite else "false"

    def rows(self, table: str, where: str, **columns: str) -> None:
        """Insert a row for each number that ``where`` holds of; ``columns`` are SQL expressions."""
        names, values = ", ".join(columns), ", ".join(columns.values())
        told = (
            f"INSERT INTO {table} ({names}) SELECT {values} FROM numbers WHERE {where} ORDER BY i"  # noqa: S608
        )
        self.connection.execute(text(told))


def fill(connection: Connection, count: int) -> None:
    """Rows of a mirror with ``count`` obligations."""
    write = Writer(connection, count)
    size = 20 * count
    words = "'" + "目录摘要与数据项" * 12 + "'"
    zero, signer = write.hashed("0"), write.hashed("1")
    spoken = {
        "version": "1",
        "organisation": zero,
        "signer": signer,
        "authorisation": zero,
        "recorded_at": f"{BEGUN} + i % 86400",
    }
    organisation = code("ORG", f"(i / 20) % {ORGANISATIONS}")
    write.rows(
        "organisation",
        f"i < {ORGANISATIONS}",
        code=code("ORG", "i"),
        leaf_from="i",
        org_hash=write.hashed("i"),
        version="1",
        name="'单位' || CAST(i AS TEXT)",
        parent=f"CASE WHEN i > 0 THEN {code('ORG', '0')} END",
        level="'district'",
        status="'active'",
        aliases="'[]'",
        uscc="'missing'",
        haystack="''",
        recorded_at=str(BEGUN),
    )
    write.rows(
        "obligation",
        "i >= 0",
        **spoken,
        code=code("T", "i"),
        leaf_from=f"{count} + i",
        type="CASE WHEN i % 20 = 0 THEN 'duty' WHEN i % 10 = 1 THEN 'system' ELSE 'table' END",
        parent=f"CASE WHEN i % 20 = 0 THEN NULL WHEN i % 10 = 1 THEN {code('T', 'i / 20 * 20')} "
        f"ELSE {code('T', 'i / 20 * 20 + (i % 20) / 10 * 10 + 1')} END",
        responsible=organisation,
        status="'in_force'",
        update_cycle=f"CASE WHEN {TABLE} THEN CASE WHEN i % 7 = 0 THEN 'yearly' WHEN i % 7 < 4 "
        "THEN 'quarterly' ELSE 'half_yearly' END END",
        library="'department'",
        produces_data=write.true,
        valid_from="20260401",
        name="'业务表' || CAST(i AS TEXT)",
        legal_basis="'[\"条例\"]'",
        reasons="'[]'",
        search=words,
    )
    entry = code("307", "i")
    _write_entries(write, count, words)
    write.rows(
        "obligation_binding",
        FILED,
        **spoken,
        obligation=code("T", "i"),
        leaf_from=f"{4 * count} + i",
        entry=entry,
        status="'bound'",
        reasons="'[]'",
    )
    write.rows(
        "delivery_resource",
        f"{FILED} AND i % 50 <> 3",
        code=code("R", "i"),
        leaf_from=f"{5 * count} + i",
        version="1",
        entry=entry,
        type="'table'",
        status="'live'",
        name="'库表'",
        reasons="'[]'",
        organisation=zero,
        recorded_at=f"{BEGUN} + i % 86400",
    )
    period = {"period_start": "20260401", "period_end": "20260630", "mode": "'full'"}
    write.rows(
        "delivery_manifest",
        f"{FILED} AND i % 50 <> 4",
        **period,
        subject=write.hashed("i"),
        leaf_from=f"{6 * count} + i",
        version="1",
        entry=entry,
        edition="1",
        rows="100 + i % 1000",
        row_schema=write.hashed("i"),
        root=write.hashed("i"),
        buckets=zero,
        columns_digest=f"CASE WHEN i % 50 IN (10, 12) THEN {write.hashed('900000000')} ELSE {write.hashed('i')} END",
        schema_text=_schema_text(),
        key_columns="'[\"编号\"]'",
        encoding="'govledger-rows/1'",
        organisation=zero,
        body_digest=write.hashed("i"),
        recorded_at=f"{BEGUN} + 181 * 86400 + i % 86400",
    )
    write.rows(
        "delivery",
        f"{FILED} AND i % 50 <> 4 AND i % 50 <> 5",
        **period,
        entry=entry,
        leaf_from=f"{7 * count} + i",
        version="1",
        manifest="1",
        edition="1",
        rows="100 + i % 1000",
        row_schema=write.hashed("i"),
        root=f"CASE WHEN i % 50 = 7 THEN {write.hashed('i + 1')} ELSE {write.hashed('i')} END",
        content=write.hashed("i"),
        claimed=write.true,
        organisation=zero,
        body_digest=write.hashed("i"),
        recorded_at=f"{BEGUN} + 182 * 86400 + i % 86400",
    )
    write.rows(
        "quality_score",
        f"{FILED} AND i % 50 <> 6",
        subject=write.hashed("i"),
        leaf_from=f"{8 * count} + i",
        version="1",
        entry=entry,
        edition="1",
        period_start="20260401",
        period_end="20260630",
        assessor=zero,
        assessed="63",
        total="CASE WHEN i % 50 = 8 THEN 5000 ELSE 9000 END",
        coverage="10000",
        rule_set=zero,
        recorded_at=f"{BEGUN} + 190 * 86400 + i % 86400",
    )
    _end_log(write, size)


def _schema_text() -> str:
    """SQL for a schema with a column for each item, and one more; in two of a hundred one item has none."""
    other = f"CASE WHEN i % 50 = 12 THEN '' ELSE CAST(i % {SHARED} AS TEXT) END"
    names = ("编号", f"事项' || {other} || '", "名称' || CAST(i AS TEXT) || '", "备注")
    columns = ",".join(f'{{"name":"{name}","type":"string"}}' for name in names)
    return f"""'{{"columns":[{columns}],"key":["编号"]}}'"""


def _write_entries(write: Writer, count: int, words: str) -> None:
    """A filing and its publication for each entry: statements, how the entry stood from each on, and its items; of one
    in a thousand the filing is not what the log commits to.
    """
    entry, leaf = code("307", "i"), f"{2 * count} + i"
    document = f"""'{{"abstract":"{"本目录载明的数据项、更新周期与共享条件" * 8}","code":"' || {entry} || '"}}'"""
    decision = f"""'{{"code":"' || {entry} || '","decision":"published"}}'"""
    for version, body in enumerate(map(write.encoded, (document, decision))):
        write.rows(
            "statement",
            FILED,
            index_=f"{(2 + version) * count} + i",
            kind="'catalogue'",
            subject=write.hashed("i"),
            version=str(version + 1),
            org=write.hashed("0"),
            signer=write.hashed("1"),
            authorisation=write.hashed("0"),
            recorded_at=f"{BEGUN} + i % 86400",
            payload=write.hashed("i"),
            body_digest=f"CASE WHEN i % 1000 = 9 THEN {write.hashed('i')} ELSE sha256({body}) END",
            body=body,
        )
    for version, (state, until, published) in enumerate(
        (("submitted", f"{3 * count} + i", "NULL"), ("published", "NULL", leaf))
    ):
        write.rows(
            "catalogue_entry",
            FILED,
            code=entry,
            leaf_from=f"{(2 + version) * count} + i",
            leaf_until=until,
            subject=write.hashed("i"),
            version=str(version + 1),
            state=f"'{state}'",
            edition="1",
            published_edition=str(version),
            filed_leaf=leaf,
            published_leaf=published,
            decided_by=write.hashed("0") if version else "NULL",
            name="'目录' || CAST(i AS TEXT)",
            provider=code("ORG", f"(i / 20) % {ORGANISATIONS}"),
            provider_name="'单位'",
            share_type="'conditional'",
            open_type="'not_open'",
            grade="2",
            update_cycle="'quarterly'",
            library="'department'",
            level="'district'",
            origin="'district_supplement'",
            restricted=write.false,
            complete=write.true,
            missing="'[]'",
            item_count="3",
            search=words,
            recorded_at=f"{BEGUN} + i % 86400",
        )
    write.rows(
        "catalogue_item_names",
        FILED,
        leaf_from=leaf,
        item_count="3",
        names_digest=write.hashed("i"),
    )
    items = (
        ("'编号'", write.false),
        (f"'事项' || CAST(i % {SHARED} AS TEXT)", f"i % {2 * SHARED} < {SHARED}"),
        ("'名称' || CAST(i AS TEXT)", write.false),
    )
    for position, (name, own) in enumerate(items):
        write.rows(
            "catalogue_item",
            FILED,
            code=entry,
            leaf_from=leaf,
            position=str(position),
            edition="1",
            name=name,
            sensitive=write.false,
            primary_key=write.false,
            locally_generated=own,
        )


def _end_log(write: Writer, size: int) -> None:
    """The first and the last leaf, which say on which days the log begins and is audited."""
    for leaf, moment in ((0, BEGUN), (size - 1, AUDITED)):
        write.rows(
            "statement",
            "i = 0",
            index_=str(leaf),
            kind="'organisation'",
            subject=write.hashed(str(leaf)),
            version="1",
            org=write.hashed("0"),
            signer=write.hashed("1"),
            authorisation=write.hashed("0"),
            recorded_at=str(moment),
            payload=write.hashed("0"),
            body_digest=write.hashed("0"),
            body=write.hashed("0"),
        )
    write.rows(
        "cursor",
        "i = 0",
        id="1",
        chain_id="'00000000000000000001'",
        log=write.hashed("0"),
        size=str(size),
        root=write.hashed("0"),
        block_number="1",
        block_hash=write.hashed("1"),
    )
    write.rows(
        "block",
        "i = 0",
        number="1",
        hash=write.hashed("1"),
        parent_hash=write.hashed("0"),
        timestamp=str(AUDITED),
        size=str(size),
    )


def filled(url: str, count: int) -> Engine:
    """A mirror with ``count`` obligations; PostgreSQL knows its statistics, as after its autovacuum."""
    engine = open_database(url, "mirror")
    with writing(engine) as connection:
        fill(connection, count)
    if engine.dialect.name == "postgresql":
        vacuum = create_engine(engine.url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with vacuum.connect() as connection:
            connection.execute(text("VACUUM ANALYZE"))
    return engine
