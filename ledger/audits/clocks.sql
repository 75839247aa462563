-- Statutory clocks (法定时限) that began in the window, or before it and still run. State: 1 met, 2 unmet, 4 running
-- or ended by itself. Those of correction requests are in corrections.sql.
--
-- publish (Art. 17): from what was submitted to the decision; the competent department's clock.
INSERT INTO audit_clock (clock, code, leaf, org, scoped, started, due, done, state)
SELECT 'publish', f.code, f.leaf, COALESCE(f.org, r.id, 0), COALESCE(f.scoped, r.scoped, :strangers), f.started, f.due,
  f.done,
  CASE WHEN f.done IS NOT NULL THEN CASE WHEN f.due IS NULL OR f.done <= f.due THEN 1 ELSE 2 END
       WHEN f.waits = 1 AND f.due < :day THEN 2 ELSE 4 END
FROM (
  SELECT s.code, s.leaf, g.id AS org, g.scoped, s.recorded_on AS started, w.day AS due,
    CASE WHEN n.leaf IS NULL THEN 1 ELSE 0 END AS waits,
    CASE WHEN n.decided_by IS NOT NULL THEN n.recorded_on END AS done
  FROM audit_in_act s
  JOIN audit_date c ON c.day = s.recorded_on
  LEFT JOIN audit_workday w ON w.ordinal = c.ordinal + :publish_days
  LEFT JOIN audit_in_act n ON n.code = s.code AND n.version = s.version + 1
  LEFT JOIN audit_organisation g ON g.hash = n.decided_by
  WHERE s.submitted = 1 AND s.leaf >= :window_leaf
) f
LEFT JOIN audit_organisation r ON r.root = 1;

-- Of the units hardly one is left out here, though each condition looks as if it left out many: they go past the
-- small tables, and not the other way round.
SET disabled_optimizers = 'build_side_probe_side';

-- catalogue_update (Art. 17): from an obligation in force to the entry that was first bound to it.
INSERT INTO audit_clock (clock, code, leaf, org, scoped, started, due, done, state)
SELECT 'catalogue_update', f.code, f.leaf, f.org, f.scoped, f.started, w.day, f.done,
  CASE WHEN (f.exempt & 1) <> 0 THEN 3
       WHEN f.done IS NOT NULL THEN CASE WHEN w.day IS NULL OR f.done <= w.day THEN 1 ELSE 2 END
       WHEN w.day < :day THEN 2 ELSE 4 END
FROM (
  SELECT u.code, u.leaf, u.org, u.scoped, u.exempt,
    CASE WHEN u.valid_from > u.recorded_on THEN u.valid_from ELSE u.recorded_on END AS started,
    CASE WHEN u.bound = 1 AND u.entry_state <> 'draft' AND u.lost <> 1
         THEN CASE WHEN u.bound_on < u.valid_from THEN u.valid_from ELSE u.bound_on END END AS done
  FROM audit_unit u
  WHERE u.recorded_on IS NOT NULL AND u.standing = 0 AND u.child = 0 AND u.version = 1
    AND u.bound <> 2 AND u.rebound = 0
    AND (u.leaf >= :window_leaf OR u.valid_from >= :window OR u.bound <> 1)
) f
LEFT JOIN audit_date t ON t.day = f.started
LEFT JOIN audit_workday w ON w.ordinal = t.ordinal + :update_days;

RESET disabled_optimizers;
