"""Table of drills: every run, and what it found."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import Column, String, Table, Text
from sqlmodel import Field

from ledger.store.tables import DeskTable, table_of
from ledger.store.types import BIG


class Outcome(StrEnum):
    """What became of a run (演练结果)."""

    RUNNING = "running"
    """进行中."""
    PASSED = "passed"
    """通过."""
    FAILED = "failed"
    """未通过: something is not as it must be."""
    UNFINISHED = "unfinished"
    """未完成: stopped, killed, or what it needs could not be had; done again soon."""


class DrillRun(DeskTable, table=True):
    """One run. Times in Unix milliseconds; ``beat_at`` is when it was last seen to be at work.

    ``said`` is JSON: a list of ``[zh, en]``, what was found or why it did not finish.
    """

    __tablename__ = "drill_run"

    number: int | None = Field(default=None, sa_column=Column(BIG, primary_key=True))
    name: str = Field(sa_column=Column(String(16), nullable=False, index=True))
    outcome: str = Field(sa_column=Column(String(16), nullable=False))
    started_at: int = Field(sa_column=Column(BIG, nullable=False))
    beat_at: int = Field(sa_column=Column(BIG, nullable=False))
    ended_at: int | None = Field(default=None, sa_column=Column(BIG))
    checked: int = Field(sa_column=Column(BIG, nullable=False))
    said: str = Field(sa_column=Column(Text, nullable=False))


DRILL_RUN: Table = table_of(DrillRun)
