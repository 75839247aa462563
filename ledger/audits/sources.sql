-- Items that at least one organisation says to produce itself (数源), in editions in force: 一数一源 is met where exactly one
-- of those that hold an item says so. Naming the source is the competent department's duty (条例 Art. 19).
INSERT INTO audit_source (name, leaf, holders, producers, org, scoped, state)
SELECT f.name, f.leaf, f.holders, f.producers, COALESCE(r.id, 0), COALESCE(r.scoped, :strangers),
  CASE WHEN f.holders < 2 THEN 4 WHEN f.producers = 1 THEN 1 ELSE 2 END
FROM (
  SELECT h.name, MIN(h.leaf) AS leaf, COUNT(*) AS holders, SUM(h.produces) AS producers
  FROM (
    SELECT i.name, MIN(i.leaf) AS leaf, MAX(CASE WHEN i.locally_generated = 1 THEN 1 ELSE 0 END) AS produces
    FROM audit_in_item i
    JOIN audit_entry e ON e.filed = i.leaf AND e.in_force = 1
    WHERE i.name IN (
      SELECT p.name FROM audit_in_item p
      JOIN audit_entry c ON c.filed = p.leaf AND c.in_force = 1
      WHERE p.locally_generated = 1)
    GROUP BY i.name, e.org
  ) h
  GROUP BY h.name
) f
LEFT JOIN audit_organisation r ON r.root = 1;
