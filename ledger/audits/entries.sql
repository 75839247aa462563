-- Exemptions that count on the audit's day (豁免): granted, begun, not over, and not approved by the
-- organisation that profits. One row for each scope; the earliest statement is kept as evidence.
INSERT INTO audit_exemption (kind, target, bit, leaf, expires)
SELECT x.target_type, x.target, b.bit, MIN(x.leaf), MAX(x.expires)
FROM audit_in_exemption x
JOIN audit_bit b ON (x.scope & b.bit) <> 0
LEFT JOIN audit_in_obligation o ON x.target_type = 'obligation' AND o.code = x.target
LEFT JOIN audit_in_entry e ON x.target_type = 'entry' AND e.code = x.target
WHERE x.status = 'granted' AND x.valid_from <= :day AND x.expires >= :day
  AND x.approver <> COALESCE(o.responsible, e.provider, '')
GROUP BY x.target_type, x.target, b.bit;

INSERT INTO audit_exempt (kind, target, mask)
SELECT kind, target, SUM(bit) FROM audit_exemption GROUP BY kind, target;

-- Statements that say nothing, since they are malformed: the newest of each subject.
INSERT INTO audit_unreadable (subject, leaf)
SELECT subject, MAX(leaf) FROM audit_in_unreadable GROUP BY subject;

-- Hardly one of the joins below leaves anything out, though each looks as if it did: they are done as they are
-- written, and not beginning with what would be carried through all the others.
SET disabled_optimizers = 'join_order';

-- Catalogue entries. mount (挂接率): 1 met, 2 unmet, 3 exempt, 4 not applicable. on_chain (上链率): the newest
-- statement about the entry is the one it stands on. consistent (链上一致率): see consistency.sql.
INSERT INTO audit_entry
  (code, org, scoped, library, state, in_force, share, cycle, leaf, recorded_on, exempt, resource, edition, filed, hidden,
   item_count, mount, on_chain, consistent)
SELECT f.code, f.org, f.scoped, f.library, f.state, f.in_force, f.share, f.cycle, f.leaf, f.recorded_on, f.exempt,
  f.resource, f.edition, f.filed, f.hidden, f.item_count,
  CASE WHEN f.in_force = 0 OR f.share = 3 THEN 4
       WHEN (f.exempt & 16) <> 0 THEN 3
       WHEN f.resource = 2 THEN 1 ELSE 2 END,
  CASE WHEN f.in_force = 0 THEN 4 WHEN f.unread > f.leaf THEN 2 ELSE 1 END,
  CASE WHEN f.in_force = 0 THEN 4 ELSE 1 END
FROM (
  SELECT e.code, COALESCE(o.id, 0) AS org,
    CASE WHEN COALESCE(o.scoped, :strangers) = 0 OR (:library <> '' AND COALESCE(e.library, '') <> :library)
         THEN 0 ELSE 1 END AS scoped, e.library, e.state, e.in_force, e.share_type AS share,
    e.update_cycle AS cycle, e.leaf, e.recorded_on, COALESCE(x.mask, 0) AS exempt,
    CASE WHEN e.code IN (SELECT r.entry FROM audit_in_resource r WHERE r.status = 'live') THEN 2
         WHEN e.code IN (SELECT r.entry FROM audit_in_resource r WHERE r.status <> 'live') THEN 1 ELSE 0 END AS resource,
    COALESCE(n.leaf, -1) AS unread, e.published_edition AS edition, e.published_leaf AS filed, e.restricted AS hidden,
    COALESCE(d.item_count, 0) AS item_count
  FROM audit_in_entry e
  LEFT JOIN audit_in_names d ON d.leaf = e.published_leaf
  LEFT JOIN audit_organisation o ON o.code = e.provider
  LEFT JOIN audit_exempt x ON x.kind = 'entry' AND x.target = e.code
  LEFT JOIN audit_unreadable n ON n.subject = e.subject
) f;

RESET disabled_optimizers;
