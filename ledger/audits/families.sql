-- Items that were counted one by one, see columns.py: of some of them no column bears the name.
UPDATE audit_verdict
SET items = CASE WHEN i.here = u.item_count THEN 1 ELSE 2 END, items_due = u.item_count, items_here = i.here
FROM audit_items i
JOIN audit_unit u ON u.leaf = i.unit
WHERE i.unit = audit_verdict.unit AND i.here > 0 AND audit_verdict.items = 5;

-- A business table with expected entries below it stands as its worst part does. Ranks: 5 unmet, 4 met,
-- 3 not assessable, 2 exempt, 1 not applicable. The table itself is a part where an entry is bound to it.
INSERT INTO audit_family (unit, cataloguing, collection, records, timeliness, quality, items)
SELECT v.parent,
  MAX(CASE v.cataloguing WHEN 2 THEN 5 WHEN 1 THEN 4 WHEN 5 THEN 3 WHEN 3 THEN 2 ELSE 1 END),
  MAX(CASE v.collection WHEN 2 THEN 5 WHEN 1 THEN 4 WHEN 5 THEN 3 WHEN 3 THEN 2 ELSE 1 END),
  MAX(CASE v.records WHEN 2 THEN 5 WHEN 1 THEN 4 WHEN 5 THEN 3 WHEN 3 THEN 2 ELSE 1 END),
  MAX(CASE v.timeliness WHEN 2 THEN 5 WHEN 1 THEN 4 WHEN 5 THEN 3 WHEN 3 THEN 2 ELSE 1 END),
  MAX(CASE v.quality WHEN 2 THEN 5 WHEN 1 THEN 4 WHEN 5 THEN 3 WHEN 3 THEN 2 ELSE 1 END),
  MAX(CASE v.items WHEN 2 THEN 5 WHEN 1 THEN 4 WHEN 5 THEN 3 WHEN 3 THEN 2 ELSE 1 END)
FROM (
  SELECT p.leaf AS parent, c.cataloguing, c.collection, c.records, c.timeliness, c.quality, c.items
  FROM audit_unit k
  JOIN audit_unit p ON p.code = k.top AND p.standing = 0
  JOIN audit_verdict c ON c.unit = k.leaf
  WHERE k.child = 1 AND k.standing = 0
  UNION ALL
  SELECT p.leaf, c.cataloguing, c.collection, c.records, c.timeliness, c.quality, c.items
  FROM audit_unit p
  JOIN audit_verdict c ON c.unit = p.leaf
  WHERE p.bound = 1 AND p.standing = 0 AND p.code IN (SELECT k.top FROM audit_unit k WHERE k.child = 1 AND k.standing = 0)
) v
GROUP BY v.parent;

UPDATE audit_verdict
SET cataloguing = (SELECT CASE f.cataloguing WHEN 5 THEN 2 WHEN 4 THEN 1 WHEN 3 THEN 5 WHEN 2 THEN 3 ELSE 4 END
                   FROM audit_family f WHERE f.unit = audit_verdict.unit),
    collection = (SELECT CASE f.collection WHEN 5 THEN 2 WHEN 4 THEN 1 WHEN 3 THEN 5 WHEN 2 THEN 3 ELSE 4 END
                  FROM audit_family f WHERE f.unit = audit_verdict.unit),
    records = (SELECT CASE f.records WHEN 5 THEN 2 WHEN 4 THEN 1 WHEN 3 THEN 5 WHEN 2 THEN 3 ELSE 4 END
               FROM audit_family f WHERE f.unit = audit_verdict.unit),
    timeliness = (SELECT CASE f.timeliness WHEN 5 THEN 2 WHEN 4 THEN 1 WHEN 3 THEN 5 WHEN 2 THEN 3 ELSE 4 END
                  FROM audit_family f WHERE f.unit = audit_verdict.unit),
    quality = (SELECT CASE f.quality WHEN 5 THEN 2 WHEN 4 THEN 1 WHEN 3 THEN 5 WHEN 2 THEN 3 ELSE 4 END
               FROM audit_family f WHERE f.unit = audit_verdict.unit),
    items = (SELECT CASE f.items WHEN 5 THEN 2 WHEN 4 THEN 1 WHEN 3 THEN 5 WHEN 2 THEN 3 ELSE 4 END
             FROM audit_family f WHERE f.unit = audit_verdict.unit),
    rung = (SELECT CASE WHEN u.bound = 1 THEN audit_verdict.rung ELSE 0 END
            FROM audit_unit u WHERE u.leaf = audit_verdict.unit)
WHERE unit IN (SELECT unit FROM audit_family);

-- Duties and information systems, with the tables below them.
INSERT INTO audit_below (parent, tables, catalogued, excused)
SELECT u.parent, COUNT(*), SUM(CASE WHEN v.cataloguing = 1 THEN 1 ELSE 0 END),
  SUM(CASE WHEN v.cataloguing = 3 THEN 1 ELSE 0 END)
FROM audit_unit u
JOIN audit_verdict v ON v.unit = u.leaf
WHERE u.child = 0 AND u.standing = 0
GROUP BY u.parent;

INSERT INTO audit_upper
  (code, leaf, type, parent, org, scoped, standing, exempt, tables, catalogued, excused)
SELECT o.code, o.leaf, o.type, o.parent, COALESCE(g.id, 0),
  CASE WHEN COALESCE(g.scoped, :strangers) = 0 OR (:library <> '' AND COALESCE(o.library, '') <> :library)
       THEN 0 ELSE 1 END,
  CASE WHEN o.status <> 'in_force' THEN 1
       WHEN o.valid_from > :day THEN 2
       WHEN o.valid_until < :day THEN 3
       WHEN o.produces_data = 0 THEN 4 ELSE 0 END,
  COALESCE(x.mask, 0), COALESCE(b.tables, 0), COALESCE(b.catalogued, 0), COALESCE(b.excused, 0)
FROM audit_in_obligation o
LEFT JOIN audit_organisation g ON g.code = o.responsible
LEFT JOIN audit_exempt x ON x.kind = 'obligation' AND x.target = o.code
LEFT JOIN audit_below b ON b.parent = o.code
WHERE o.type IN (1, 2);

-- A system is catalogued when all its tables are, or are exempt; a duty is covered when one entry is published.
UPDATE audit_upper
SET state = CASE WHEN standing <> 0 THEN 4
                 WHEN (exempt & 1) <> 0 THEN 3
                 WHEN type = 2 THEN CASE WHEN tables = 0 THEN 5
                                         WHEN catalogued + excused = tables THEN 1 ELSE 2 END
                 WHEN catalogued > 0 OR code IN (
                   SELECT s.parent FROM audit_upper s
                   WHERE s.type = 2 AND s.standing = 0 AND s.catalogued > 0) THEN 1
                 ELSE 2 END;
