"""A mirror that another version of the program filled is not called damaged: verifying it tells what to do first."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.person import Person
from tests.small_office import build


def test_tables_of_another_version_are_made_anew_before_they_are_verified(tmp_path: Path) -> None:
    person = build(Person(tmp_path / "ledger"))
    assert person.run("mirror", "verify", "--offline").code == 0
    with closing(sqlite3.connect(person.data_dir / "mirror.db")) as mirror, mirror:
        mirror.execute("UPDATE projection_state SET version = version + 1 WHERE name = 'catalogue'")

    refused = person.run("mirror", "verify", "--offline", expect=3)
    assert "another version of this program" in refused.err
    assert "catalogue" in refused.err
    assert "govledger mirror rebuild" in refused.err
    assert "did not stand up" not in refused.err

    person.run("mirror", "rebuild")
    assert person.run("mirror", "verify", "--offline").code == 0
