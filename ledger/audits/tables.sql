-- The audit's working tables (审计工作表): one set an audit, gone with it.
--
-- States of a metric are ledger.audits.metrics.State numbers; days are YYYYMMDD; leaf is the index of the statement that a
-- row comes from. None has a key: whole columns are joined by hashing.

-- Every organisation under a number, in the order of codes.
CREATE TABLE audit_organisation (
  id INTEGER, code VARCHAR, hash BLOB, scoped INTEGER, root INTEGER, name VARCHAR, name_en VARCHAR, level VARCHAR,
  status VARCHAR, leaf BIGINT
);

-- Days, see ledger.audits.periods.CalendarRow.
CREATE TABLE audit_date (
  day INTEGER, ordinal INTEGER, special INTEGER
);

-- The working day with a number.
CREATE TABLE audit_workday (
  ordinal INTEGER, day INTEGER
);

-- See ledger.audits.periods.DayRow; id is the cycle's number and the day: c * 10^8 + YYYYMMDD.
CREATE TABLE audit_day (
  id INTEGER, before INTEGER, upto INTEGER, late INTEGER
);

-- See ledger.audits.periods.CycleRow.
CREATE TABLE audit_cycle (
  cycle INTEGER, number BIGINT, first_day INTEGER, last_day INTEGER, due INTEGER
);

-- The single bits of an exemption's scope.
CREATE TABLE audit_bit (
  bit INTEGER
);

-- What is exempt on the audit's day, one row a bit of scope; leaf of the first statement that says so.
CREATE TABLE audit_exemption (
  kind VARCHAR, target VARCHAR, bit INTEGER, leaf BIGINT, expires INTEGER
);

-- The scopes of which a target is exempt.
CREATE TABLE audit_exempt (
  kind VARCHAR, target VARCHAR, mask INTEGER
);

-- Subjects about which a statement is malformed, and the newest such.
CREATE TABLE audit_unreadable (
  subject BLOB, leaf BIGINT
);

-- Catalogue entries: resource 2 where a live one is mounted, 1 where only closed ones are; filed is the leaf of the edition in
-- force.
CREATE TABLE audit_entry (
  code VARCHAR, org INTEGER, scoped INTEGER, library VARCHAR, state VARCHAR, in_force INTEGER, share INTEGER,
  cycle INTEGER, leaf BIGINT, recorded_on INTEGER, exempt INTEGER, resource INTEGER, edition INTEGER,
  filed BIGINT, hidden INTEGER, item_count INTEGER, mount INTEGER, on_chain INTEGER, consistent INTEGER
);

-- Tables and expected entries (应归集): what answers each, and how that stands. top is the business table of which an
-- expected entry is a part.
CREATE TABLE audit_unit (
  leaf BIGINT, code VARCHAR, type INTEGER, parent VARCHAR, top VARCHAR, child INTEGER, org INTEGER,
  scoped INTEGER, cycle INTEGER, due_from INTEGER, due_upto INTEGER, valid_from INTEGER, version INTEGER,
  recorded_on INTEGER, standing INTEGER, exempt INTEGER, bound INTEGER, entry VARCHAR, binding_leaf BIGINT,
  bound_on INTEGER, rebound INTEGER, lost INTEGER, entry_state VARCHAR, in_force INTEGER, share INTEGER,
  entry_leaf BIGINT, entry_on INTEGER, resource INTEGER, filed BIGINT, hidden INTEGER, item_count INTEGER
);

-- Entries that answer several obligations, and the first binding of each.
CREATE TABLE audit_shared (
  entry VARCHAR, leaf BIGINT, top VARCHAR
);

-- What a collector counted where a delivery is not what its manifest says.
CREATE TABLE audit_difference (
  delivery BIGINT, missing BIGINT, extra BIGINT, changed BIGINT, duplicates BIGINT, empty_keys BIGINT
);

-- Deliveries that were replaced by a later one of the same period.
CREATE TABLE audit_repeated (
  leaf BIGINT
);

-- Manifests and deliveries of a unit's entry. manifested and delivered are the last periods covered;
-- the newest of each are packed with their period: see supply.sql. Rows are sums of what anybody may have signed,
-- so that 64 bits do not hold them.
CREATE TABLE audit_supply (
  unit BIGINT, manifested INTEGER, newest_manifest BIGINT, delivered INTEGER, newest_delivery BIGINT,
  filled INTEGER, incomplete INTEGER, rows_due HUGEINT, rows_here HUGEINT, spans INTEGER, timely INTEGER,
  several INTEGER, reshaped INTEGER, early INTEGER, late_leaf BIGINT, full_end INTEGER, broken_end INTEGER
);

-- Deliveries of periods for which there is no manifest: the newest of each entry.
CREATE TABLE audit_bare (
  entry VARCHAR, period_end INTEGER, leaf BIGINT, filled INTEGER
);

-- Units whose data arrived on time in several spans of days, or without a manifest.
CREATE TABLE audit_spread (
  unit BIGINT, entry VARCHAR, cycle INTEGER, due_from INTEGER, due_upto INTEGER
);

-- Periods that arrived on time, where several spans of days have to be put together.
CREATE TABLE audit_timely (
  unit BIGINT, periods INTEGER
);

-- Entries that were scored more than once.
CREATE TABLE audit_rescored (
  entry VARCHAR
);

-- The quality score that counts for an entry; own where only its owner scored it.
CREATE TABLE audit_score (
  entry VARCHAR, leaf BIGINT, total INTEGER, own INTEGER, recorded_on INTEGER
);

-- The oldest correction request that waits for an answer.
CREATE TABLE audit_open (
  entry VARCHAR, leaf BIGINT, filed_on INTEGER
);

-- How each unit stands in each metric, and the first rung of the ladder that is broken (0: none).
CREATE TABLE audit_verdict (
  unit BIGINT, cataloguing INTEGER, collection INTEGER, records INTEGER, timeliness INTEGER, quality INTEGER,
  items INTEGER, rung INTEGER, reason VARCHAR, on_time INTEGER, manifest_leaf BIGINT, delivery_leaf BIGINT,
  rows_due HUGEINT, rows_here HUGEINT, items_due INTEGER, items_here INTEGER
);

-- Business tables with expected entries below them: the worst of each metric, ranked.
CREATE TABLE audit_family (
  unit BIGINT, cataloguing INTEGER, collection INTEGER, records INTEGER, timeliness INTEGER, quality INTEGER,
  items INTEGER
);

-- Tables directly below a duty or system: how many, catalogued, exempt.
CREATE TABLE audit_below (
  parent VARCHAR, tables INTEGER, catalogued INTEGER, excused INTEGER
);

-- Units with a broken rung: acts is the organisation that must act, from a day and by a working day.
CREATE TABLE audit_gap (
  unit BIGINT, code VARCHAR, org INTEGER, scoped INTEGER, acts INTEGER, rung INTEGER, reason VARCHAR,
  since INTEGER, due INTEGER
);

-- Items that columns of the manifest bear the names of, where those are not all the same.
CREATE TABLE audit_items (
  unit BIGINT, here INTEGER
);

-- Items that somebody says to produce: how many organisations hold them, and how many say so.
CREATE TABLE audit_source (
  name VARCHAR, leaf BIGINT, holders INTEGER, producers INTEGER, org INTEGER, scoped INTEGER, state INTEGER
);

-- Data sets in use as lineage tells them: see ledger.lineage.findings.usage.Used.
CREATE TABLE audit_used (
  namespace VARCHAR, name VARCHAR, entry VARCHAR, noise INTEGER, leaf BIGINT, position BIGINT,
  organisation VARCHAR
);

-- The same with whose they are, and whether an entry in force covers them.
CREATE TABLE audit_dataset (
  namespace VARCHAR, name VARCHAR, entry VARCHAR, org INTEGER, scoped INTEGER, leaf BIGINT, position BIGINT,
  state INTEGER
);

-- Statutory clocks: whose, begun on which day, due by which, done on which (null: not yet).
CREATE TABLE audit_clock (
  clock VARCHAR, code VARCHAR, leaf BIGINT, org INTEGER, scoped INTEGER, started INTEGER, due INTEGER,
  done INTEGER, state INTEGER
);

-- What an auditor must look at, see ledger.audits.findings.
CREATE TABLE audit_finding (
  name VARCHAR, subject VARCHAR, org INTEGER, scoped INTEGER, leaf BIGINT, other BIGINT, number BIGINT,
  detail VARCHAR
);

-- Duties and information systems, and what stands below them.
CREATE TABLE audit_upper (
  code VARCHAR, leaf BIGINT, type INTEGER, parent VARCHAR, org INTEGER, scoped INTEGER, standing INTEGER,
  exempt INTEGER, tables INTEGER, catalogued INTEGER, excused INTEGER, state INTEGER
);
