-- Deliveries that a later one of the same entry and period replaced.
INSERT INTO audit_repeated (leaf)
SELECT DISTINCT e.leaf
FROM audit_in_received d
JOIN audit_in_received e
  ON e.entry = d.entry AND e.period_end = d.period_end AND e.period_start = d.period_start AND e.number < d.number
WHERE d.number > 1;

-- Joined as it is written: see entries.sql.
SET disabled_optimizers = 'join_order';

-- What was said to be there, and what came (数据清单与归集交付), unit by unit: manifests in force, each beside the
-- deliveries of its period.
--
-- newest_manifest: period_end * 2^38 + leaf * 4 and two marks: 2 its columns are public, 1 they are called as the items
-- of the entry are. newest_delivery: period_end * 2^38 + (leaf + 1) * 32 and five marks:
-- 16 it holds all rows (全量), 8 it names a manifest, 4 the newest version of it, 2 it equals it (root, rows, schema,
-- mode), 1 it has rows. So the greatest number is the newest period's newest delivery.
--
-- A delivery covers the periods that end within its own, but none that was not over when it was recorded. Those of
-- them that were not overdue by then, after after_ and up to upto, arrived on time, unless rows were missing or changed.
INSERT INTO audit_supply
  (unit, manifested, newest_manifest, delivered, newest_delivery, filled, incomplete, rows_due, rows_here,
   spans, timely, several, reshaped, early, late_leaf, full_end, broken_end)
SELECT g.unit, MAX(g.manifested), MAX(g.manifest_key), MAX(g.upto), MAX(g.delivery_key), MAX(g.filled),
  SUM(CASE WHEN g.last = 1 AND g.complete = 0 AND g.mode = 2 THEN g.inside ELSE 0 END),
  SUM(CASE WHEN g.last = 1 THEN g.inside * g.rows_due ELSE 0 END),
  SUM(CASE WHEN g.last = 1 THEN g.inside * g.rows_here ELSE 0 END),
  SUM(CASE WHEN g.named > 0 AND g.current = 0 THEN 2 WHEN g.upto > g.after_ AND g.arrived = 1 THEN 1 ELSE 0 END),
  SUM(CASE WHEN g.upto > g.after_ AND g.arrived = 1 THEN g.upto - g.after_ ELSE 0 END),
  CASE WHEN MIN(g.manifest_key) < MAX(g.manifest_key) THEN 1 ELSE 0 END,
  MAX(g.reshaped), MAX(g.early), MAX(g.late_leaf), MAX(CASE WHEN g.mode = 1 THEN g.period_end END),
  MAX(CASE WHEN g.last = 1 AND g.complete = 0 AND g.mode = 1 THEN g.period_end END)
FROM (
  SELECT f.unit, f.manifested, f.manifest_key, f.named, f.current, f.complete, f.mode, f.filled, f.inside, f.last,
    f.rows_due, f.upto, f.reshaped, f.early, f.period_end,
    CASE WHEN f.complete = 1 THEN f.rows_due
         WHEN f.matched > f.received THEN f.received
         WHEN f.matched > 0 THEN f.matched ELSE 0 END AS rows_here,
    CASE WHEN f.complete = 1 OR f.named = 0 THEN 1 ELSE 0 END AS arrived,
    CASE WHEN f.before > f.late AND f.before > f.due_from THEN f.before
         WHEN f.late > f.due_from THEN f.late ELSE f.due_from END AS after_,
    CASE WHEN f.upto > f.before AND f.upto <= f.late THEN f.delivery END AS late_leaf,
    CASE WHEN f.delivery IS NOT NULL
         THEN f.period_end * 274877906944 + (f.delivery + 1) * 32 + CASE WHEN f.mode = 1 THEN 16 ELSE 0 END
              + CASE WHEN f.named > 0 THEN 8 ELSE 0 END + f.current * 4 + f.complete * 2 + f.filled
         END AS delivery_key
  FROM (
    SELECT u.leaf AS unit, u.due_from, md.upto AS manifested,
      p.period_end * 274877906944 + p.leaf * 4
        + CASE WHEN p.columns_digest IS NULL THEN 0
               WHEN p.columns_digest = n.names_digest OR p.columns_digest = n.names_en_digest THEN 3 ELSE 2 END
        AS manifest_key,
      p.period_end, p.rows_due, CASE WHEN u.lost = 0 THEN p.recent ELSE 0 END AS inside, p.delivery, p.mode, p.named,
      p.received, p.matched, p.current, p.complete, p.reshaped, p.filled, p.last, p.early,
      CASE WHEN de.upto > u.due_upto THEN u.due_upto ELSE de.upto END AS upto,
      ds.before, dr.late
    FROM (
      SELECT m.entry, CAST(m.leaf AS BIGINT) AS leaf, CAST(m.period_end AS BIGINT) AS period_end, m.rows AS rows_due,
        m.columns_digest, CASE WHEN m.period_end >= :window THEN 1 ELSE 0 END AS recent,
        CAST(d.leaf AS BIGINT) AS delivery, d.mode, d.manifest AS named, d.rows AS received,
        m.rows - x.missing - x.changed AS matched,
        CASE WHEN d.manifest = m.version THEN 1 ELSE 0 END AS current,
        CASE WHEN d.manifest = m.version AND d.root = m.root AND d.rows = m.rows AND d.schema = m.schema
                  AND d.mode = m.mode THEN 1 ELSE 0 END AS complete,
        CASE WHEN d.manifest = m.version AND d.schema <> m.schema THEN 1 ELSE 0 END AS reshaped,
        CASE WHEN d.rows > 0 THEN 1 ELSE 0 END AS filled,
        CASE WHEN z.leaf IS NULL THEN 1 ELSE 0 END AS last,
        CASE WHEN m.period_end > m.recorded_on OR d.period_end > d.recorded_on THEN 1 ELSE 0 END AS early,
        CAST(CASE WHEN m.period_end < :first_day OR m.recorded_on < :first_day THEN :first_day
                  WHEN m.period_end > m.recorded_on THEN m.recorded_on ELSE m.period_end END AS INTEGER) AS said_on,
        CAST(CASE WHEN d.period_start < :first_day THEN :first_day
                  WHEN d.period_start > :day THEN :day ELSE d.period_start END AS INTEGER) AS begins_on,
        CAST(CASE WHEN d.period_end < :first_day OR d.recorded_on < :first_day THEN :first_day
                  WHEN d.period_end > d.recorded_on THEN d.recorded_on ELSE d.period_end END AS INTEGER) AS ends_on,
        CASE WHEN d.recorded_on < :first_day THEN :first_day ELSE d.recorded_on END AS came_on
      FROM audit_in_manifest m
      LEFT JOIN audit_in_received d
        ON d.entry = m.entry AND d.period_end = m.period_end AND d.period_start = m.period_start
      LEFT JOIN audit_difference x ON x.delivery = d.leaf
      LEFT JOIN audit_repeated z ON z.leaf = d.leaf
      WHERE m.newest = 1
    ) p
    JOIN audit_unit u ON u.entry = p.entry AND u.standing = 0 AND u.lost <> 1
    LEFT JOIN audit_in_names n ON n.leaf = u.filed
    LEFT JOIN audit_day md ON md.id = u.cycle * 100000000 + p.said_on
    LEFT JOIN audit_day ds ON ds.id = u.cycle * 100000000 + p.begins_on
    LEFT JOIN audit_day de ON de.id = u.cycle * 100000000 + p.ends_on
    LEFT JOIN audit_day dr ON dr.id = u.cycle * 100000000 + p.came_on
  ) f
) g
GROUP BY g.unit;

RESET disabled_optimizers;

-- Deliveries of periods for which no manifest is there at all.
INSERT INTO audit_bare (entry, period_end, leaf, filled)
SELECT d.entry, MAX(CASE WHEN d.period_end > d.recorded_on THEN d.recorded_on ELSE d.period_end END), MAX(d.leaf),
  MAX(CASE WHEN d.rows > 0 THEN 1 ELSE 0 END)
FROM audit_in_received d
WHERE d.manifest = 0 AND NOT EXISTS (
  SELECT 1 FROM audit_in_manifest m
  WHERE m.entry = d.entry AND m.period_end = d.period_end AND m.period_start = d.period_start)
GROUP BY d.entry;

-- Where several deliveries arrived on time, the periods of all of them together, each counted once.
INSERT INTO audit_spread (unit, entry, cycle, due_from, due_upto)
SELECT u.leaf, u.entry, u.cycle, u.due_from, u.due_upto
FROM audit_unit u
LEFT JOIN audit_supply s ON s.unit = u.leaf
LEFT JOIN audit_bare n ON n.entry = u.entry
WHERE u.standing = 0 AND u.lost <> 1 AND u.due_upto > u.due_from AND (s.spans > 1 OR n.leaf IS NOT NULL);

INSERT INTO audit_timely (unit, periods)
SELECT j.unit, SUM(CASE WHEN j.upto <= j.seen THEN 0
                        WHEN j.after_ > j.seen THEN j.upto - j.after_ ELSE j.upto - j.seen END)
FROM (
  SELECT i.unit, i.after_, i.upto,
    COALESCE(MAX(i.upto) OVER (PARTITION BY i.unit ORDER BY i.after_, i.upto
                               ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS seen
  FROM (
    SELECT f.unit, f.upto,
      CASE WHEN f.before > f.late AND f.before > f.due_from THEN f.before
           WHEN f.late > f.due_from THEN f.late ELSE f.due_from END AS after_
    FROM (
      SELECT u.unit, u.due_from, ds.before, dr.late,
        CASE WHEN de.upto > u.due_upto THEN u.due_upto ELSE de.upto END AS upto
      FROM audit_spread u
      JOIN audit_in_delivery d ON d.entry = u.entry
      JOIN audit_day ds
        ON ds.id = u.cycle * 100000000
          + CASE WHEN d.period_start < :first_day THEN :first_day
                 WHEN d.period_start > :day THEN :day ELSE d.period_start END
      JOIN audit_day de
        ON de.id = u.cycle * 100000000
          + CASE WHEN d.period_end < :first_day OR d.recorded_on < :first_day THEN :first_day
                 WHEN d.period_end > d.recorded_on THEN d.recorded_on ELSE d.period_end END
      JOIN audit_day dr
        ON dr.id = u.cycle * 100000000 + CASE WHEN d.recorded_on < :first_day THEN :first_day ELSE d.recorded_on END
      WHERE d.recorded_on IS NOT NULL AND (d.complete = 1 OR d.manifest = 0)
    ) f
  ) i
  WHERE i.upto > i.after_
) j
GROUP BY j.unit;
