"""New databases, migrated once a process and from then on made of what the migrations left.

Hundreds of tests begin with an empty mirror or desk, and running every migration of a family takes longer than
most of them do. What migrations do is the matter of ``tests/store``, where none of this holds.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from sqlalchemy import Connection, Engine, event

from ledger.store import engine as store
from ledger.store.engine import Family, open_database


class Migrated:
    """A migrated file of each family for SQLite, and for PostgreSQL the script of what its migrations said."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._lock = threading.RLock()
        self._scripts: dict[Family, str] = {}
        self._bring_up_to_date: Callable[[Engine, Family, str], None] = store._bring_up_to_date
        self._migrate: Callable[..., None] = store._migrate

    @contextmanager
    def used(self) -> Iterator[None]:
        """While this lasts, the store takes new databases from here."""
        with (
            mock.patch.object(store, "_bring_up_to_date", self.bring_up_to_date),
            mock.patch.object(store, "_migrate", self.migrate),
        ):
            yield

    @contextmanager
    def left_out(self) -> Iterator[None]:
        """While this lasts, the store does everything itself."""
        with (
            mock.patch.object(store, "_bring_up_to_date", self._bring_up_to_date),
            mock.patch.object(store, "_migrate", self._migrate),
        ):
            yield

    def bring_up_to_date(self, engine: Engine, family: Family, place: str) -> None:
        """As the store does; a file that is not there yet is there before, with all tables."""
        if engine.dialect.name == "sqlite" and not os.path.lexists(str(engine.url.database)):
            with contextlib.suppress(OSError):  # the store tells what is wrong with the place
                self._lay(Path(str(engine.url.database)), family)
        self._bring_up_to_date(engine, family, place)

    def _lay(self, file: Path, family: Family) -> None:
        """Whole or not at all: others may open the same file now."""
        draft = file.with_name(f"{file.name}.{uuid.uuid4().hex}")
        try:
            shutil.copyfile(self._file(family), draft)
            os.link(draft, file)
        finally:
            draft.unlink(missing_ok=True)

    def _file(self, family: Family) -> Path:
        file = self._place / f"{family}.db"
        with self._lock:
            if not file.exists():
                file.touch()  # so that it is migrated
                open_database(f"sqlite:///{file}", family).dispose()
        return file

    def migrate(self, connection: Connection, family: Family, revision: str = "head") -> None:
        """As the store does; on an empty PostgreSQL database by one script."""
        empty = store._current(connection) is None
        if not (connection.dialect.name == "postgresql" and empty and revision == "head"):
            self._migrate(connection, family, revision)
        elif family in self._scripts:
            connection.connection.cursor().execute(self._scripts[family])
        else:
            said: list[str] = []

            def hear(_c: object, _cursor: object, statement: str, told: Any, *_: object) -> None:
                if not statement.startswith("SELECT"):
                    assert not told, f"with parameters it is no script: {statement}"
                    said.append(statement)

            event.listen(connection, "before_cursor_execute", hear)
            try:
                self._migrate(connection, family)
            finally:
                event.remove(connection, "before_cursor_execute", hear)
            self._scripts[family] = ";\n".join(said)
