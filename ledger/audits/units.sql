-- Joined as it is written: see entries.sql.
SET disabled_optimizers = 'join_order';

-- What should be collected (应归): business tables and expected entries, each with what answers it.
-- due_from, due_upto: of the periods after the one and up to the other, data are due by now.
-- standing: 0 in force, 1 withdrawn, 2 not yet begun, 3 ended, 4 no data come
-- from it. bound: 0 never, 1 bound, 2 released.
INSERT INTO audit_unit
  (leaf, code, type, parent, top, child, org, scoped, cycle, due_from, due_upto, valid_from, version, recorded_on,
   standing, exempt, bound, entry, binding_leaf, bound_on, rebound, lost, entry_state, in_force, share, entry_leaf, entry_on, resource, filed, hidden,
   item_count)
SELECT o.leaf, o.code, o.type, o.parent, NULL, 0, COALESCE(g.id, 0),
  CASE WHEN COALESCE(g.scoped, :strangers) = 0 OR (:library <> '' AND COALESCE(o.library, e.library, '') <> :library)
       THEN 0 ELSE 1 END,
  CASE WHEN o.update_cycle > 0 THEN o.update_cycle ELSE COALESCE(e.cycle, 0) END,
  COALESCE(d.before, 0), COALESCE(c.number, 0), o.valid_from, o.version, o.recorded_on,
  CASE WHEN o.status <> 'in_force' THEN 1
       WHEN o.valid_from > :day THEN 2
       WHEN o.valid_until < :day THEN 3
       WHEN o.produces_data = 0 THEN 4 ELSE 0 END,
  COALESCE(x.mask, 0) | COALESCE(e.exempt, 0),
  CASE WHEN b.status = 'bound' THEN 1 WHEN b.status IS NOT NULL THEN 2 ELSE 0 END,
  CASE WHEN b.status = 'bound' THEN b.entry END, b.leaf, b.recorded_on,
  CASE WHEN b.version > 1 THEN 1 ELSE 0 END, 0,
  e.state, COALESCE(e.in_force, 0), COALESCE(e.share, 0), e.leaf, e.recorded_on, COALESCE(e.resource, 0),
  e.filed, COALESCE(e.hidden, 0), COALESCE(e.item_count, 0)
FROM audit_in_obligation o
LEFT JOIN audit_in_binding b ON b.obligation = o.code
LEFT JOIN audit_entry e ON e.code = b.entry AND b.status = 'bound'
LEFT JOIN audit_organisation g ON g.code = o.responsible
LEFT JOIN audit_exempt x ON x.kind = 'obligation' AND x.target = o.code
LEFT JOIN audit_cycle c
  ON c.cycle = CASE WHEN o.update_cycle > 0 THEN o.update_cycle ELSE COALESCE(e.cycle, 0) END
LEFT JOIN audit_day d
  ON d.id = c.cycle * 100000000
    + CASE WHEN o.valid_from < :first_day THEN :first_day
           WHEN o.valid_from > :day THEN :day ELSE o.valid_from END
WHERE o.type IN (3, 4);

RESET disabled_optimizers;

-- An expected entry below a business table is a part of that table, and not counted beside it.
UPDATE audit_unit SET child = 1, top = parent
WHERE type = 4 AND EXISTS (
  SELECT 1 FROM audit_in_obligation p WHERE p.code = audit_unit.parent AND p.type = 3);

-- One entry answers one obligation: the one that was bound first, and what belongs to it.
-- lost: 1 where another obligation has the entry, 2 where a part of the same table has it.
INSERT INTO audit_shared (entry, leaf, top)
SELECT u.entry, u.binding_leaf, COALESCE(u.top, u.code)
FROM audit_unit u
JOIN (SELECT entry, MIN(binding_leaf) AS leaf FROM audit_unit
      WHERE entry IS NOT NULL AND standing = 0
      GROUP BY entry HAVING COUNT(*) > 1) f ON f.entry = u.entry AND f.leaf = u.binding_leaf;

UPDATE audit_unit
SET lost = (SELECT CASE WHEN s.leaf = audit_unit.binding_leaf THEN 0
                        WHEN s.top = COALESCE(audit_unit.top, audit_unit.code) THEN 2 ELSE 1 END
            FROM audit_shared s WHERE s.entry = audit_unit.entry)
WHERE standing = 0 AND entry IN (SELECT entry FROM audit_shared);
