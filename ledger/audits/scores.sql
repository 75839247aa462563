-- The score that counts for an entry: the newest period's, and the owner's own only where nobody else scored it.
INSERT INTO audit_rescored (entry)
SELECT s.entry FROM audit_in_score s GROUP BY s.entry HAVING COUNT(*) > 1;

INSERT INTO audit_score (entry, leaf, total, own, recorded_on)
SELECT s.entry, s.leaf, s.total, CASE WHEN s.assessor = g.hash THEN 1 ELSE 0 END, s.recorded_on
FROM audit_in_score s
LEFT JOIN audit_entry e ON e.code = s.entry
LEFT JOIN audit_organisation g ON g.id = e.org
WHERE s.entry NOT IN (SELECT entry FROM audit_rescored);

INSERT INTO audit_score (entry, leaf, total, own, recorded_on)
SELECT r.entry, r.leaf, r.total, r.own, r.recorded_on
FROM (
  SELECT f.entry, f.leaf, f.total, f.own, f.recorded_on,
    ROW_NUMBER() OVER (PARTITION BY f.entry ORDER BY f.own, f.period_end DESC, f.leaf DESC) AS place
  FROM (
    SELECT s.entry, s.leaf, s.total, s.period_end, s.recorded_on,
      CASE WHEN s.assessor = g.hash THEN 1 ELSE 0 END AS own
    FROM audit_in_score s
    LEFT JOIN audit_entry e ON e.code = s.entry
    LEFT JOIN audit_organisation g ON g.id = e.org
    WHERE s.entry IN (SELECT entry FROM audit_rescored)
  ) f
) r
WHERE r.place = 1;
