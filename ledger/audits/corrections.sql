-- Correction requests that wait for the provider's answer: the oldest of each entry.
INSERT INTO audit_open (entry, leaf, filed_on)
SELECT c.entry, MIN(c.filed_leaf), MIN(c.filed_on)
FROM audit_in_correction c
WHERE c.state IN ('filed', 'handling')
GROUP BY c.entry;

-- correct (条例 Art. 26), a statutory clock as those of clocks.sql: from the request to the provider's answer. Taking a
-- request back when its time is over does not undo that nobody answered in time.
INSERT INTO audit_clock (clock, code, leaf, org, scoped, started, due, done, state)
SELECT 'correct', f.code, f.leaf, f.org, f.scoped, f.started, f.due, f.done,
  CASE WHEN f.done IS NOT NULL THEN CASE WHEN f.due IS NULL OR f.done <= f.due THEN 1 ELSE 2 END
       WHEN f.state IN ('filed', 'handling') AND f.due < :day THEN 2
       WHEN f.state = 'cancelled' AND f.ended > f.due THEN 2 ELSE 4 END
FROM (
  SELECT c.code, c.filed_leaf AS leaf, c.state, COALESCE(g.id, 0) AS org, COALESCE(g.scoped, :strangers) AS scoped,
    c.filed_on AS started, w.day AS due, c.answered_on AS done, c.ended_on AS ended
  FROM audit_in_correction c
  LEFT JOIN audit_organisation g ON g.code = c.provider
  JOIN audit_date s ON s.day = c.filed_on
  LEFT JOIN audit_workday w ON w.ordinal = s.ordinal + :correct_days
  WHERE c.filed_leaf >= :window_leaf OR c.state IN ('filed', 'handling')
) f;
