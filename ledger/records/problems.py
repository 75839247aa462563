"""What records may be refused for. Every refusal has a name, says where, and what to do, in both languages."""

from __future__ import annotations


class RecordsError(Exception):
    """Records that cannot be read, encoded, committed, compared or proven.

    ``what`` is wrong at ``where`` (a source, a column, a key; empty where neither fits); ``hint`` says
    what to do about it. ``zh`` and ``hint_zh`` say the same in Chinese.
    """

    def __init__(self, what: str, zh: str, *, where: str = "", hint: str, hint_zh: str) -> None:
        super().__init__(f"{where}: {what}" if where else what)
        self.what = what
        self.where = where
        self.hint = hint
        self.zh = f"{where}：{zh}" if where else zh
        self.hint_zh = hint_zh


class SourceError(RecordsError):
    """A source (数据源) that cannot be opened or read."""


class SchemaChanged(RecordsError):
    """Columns are missing, or there are columns that the schema does not know (表结构变化)."""


class TypesChanged(RecordsError):
    """A column has another type than the schema says (字段类型变化)."""


class TimeZoneDrift(RecordsError):
    """Times without a zone where zoned ones are expected, or the other way round (时区不一致)."""


class FloatWithoutScale(RecordsError):
    """A floating-point column for which no number of decimal places is declared (浮点未声明小数位)."""


class UnsupportedType(RecordsError):
    """A column of a type, or a value, that has no row encoding (类型不支持)."""


class DuplicateKeys(RecordsError):
    """Several rows with one key (主键重复)."""


class NullKeys(RecordsError):
    """Rows whose key is not complete (主键为空)."""


class SourceChanged(RecordsError):
    """A source that changed while it was read (读取期间数据变化)."""


class StoreDamaged(RecordsError):
    """Stored leaves that are not what their own description says (存档损坏)."""


class NothingToProve(RecordsError):
    """No proof of this kind can be made of this key (无法出具证明)."""
