-- Data sets in use (在用数据): 1 met where an entry in force covers them, 2 unmet, 4 for what nobody would catalogue. Those
-- of an entry are its provider's; others belong to who declared the step, or most likely owns them.
INSERT INTO audit_dataset (namespace, name, entry, org, scoped, leaf, position, state)
SELECT u.namespace, u.name, u.entry,
  CASE WHEN e.code IS NULL THEN COALESCE(o.id, 0) ELSE e.org END,
  CASE WHEN e.code IS NOT NULL THEN e.scoped WHEN :library <> '' THEN 0 ELSE COALESCE(o.scoped, :strangers) END,
  u.leaf, u.position,
  CASE WHEN e.in_force = 1 THEN 1 WHEN u.noise = 1 AND u.entry IS NULL THEN 4 ELSE 2 END
FROM audit_used u
LEFT JOIN audit_entry e ON e.code = u.entry
LEFT JOIN audit_organisation o ON o.code = u.organisation;
