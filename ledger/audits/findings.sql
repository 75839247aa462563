-- What an auditor must look at (审计发现), by name: see ledger/audits/findings.py. leaf is the statement that shows it,
-- other the one that it is held against, number a day, a count or a rate that belongs to it.
INSERT INTO audit_finding (name, subject, org, scoped, leaf, other, number)
SELECT 'manifest_after_delivery', m.entry, COALESCE(e.org, 0), COALESCE(e.scoped, :strangers), m.leaf, MIN(d.leaf),
  MIN(m.period_end)
FROM audit_in_manifest m
JOIN audit_in_received d
  ON d.entry = m.entry AND d.period_end = m.period_end AND d.period_start = m.period_start
  AND d.leaf < m.leaf AND d.manifest < m.version
LEFT JOIN audit_entry e ON e.code = m.entry
WHERE m.version > 1
GROUP BY m.entry, e.org, e.scoped, m.leaf;

INSERT INTO audit_finding (name, subject, org, scoped, leaf, other, number)
SELECT 'manifest_after_delivery', d.entry, COALESCE(e.org, 0), COALESCE(e.scoped, :strangers), m.leaf, MIN(d.leaf),
  MIN(m.period_end)
FROM audit_in_received d
JOIN audit_in_manifest m
  ON m.entry = d.entry AND m.period_end = d.period_end AND m.period_start = d.period_start
  AND m.leaf > d.leaf AND m.version = 1
LEFT JOIN audit_entry e ON e.code = d.entry
WHERE d.manifest = 0
GROUP BY d.entry, e.org, e.scoped, m.leaf;

INSERT INTO audit_finding (name, subject, org, scoped, leaf, other, number)
SELECT 'manifest_shrunk', m.entry, COALESCE(e.org, 0), COALESCE(e.scoped, :strangers), m.leaf, p.leaf, p.rows - m.rows
FROM audit_in_manifest m
JOIN audit_in_manifest p
  ON p.entry = m.entry AND p.period_end = m.period_end AND p.period_start = m.period_start
  AND p.version = m.version - 1
LEFT JOIN audit_entry e ON e.code = m.entry
WHERE m.version > 1 AND m.rows < p.rows;

INSERT INTO audit_finding (name, subject, org, scoped, leaf, other, number)
SELECT 'delivery_without_manifest', d.entry, COALESCE(e.org, 0), COALESCE(e.scoped, :strangers), d.leaf, NULL,
  d.period_end
FROM audit_in_received d
LEFT JOIN audit_entry e ON e.code = d.entry
WHERE d.manifest = 0 AND d.period_end >= :window;

-- Manifests in force of one entry and mode whose periods overlap: their rows count twice, and a small one may pass for
-- the whole period.
INSERT INTO audit_finding (name, subject, org, scoped, leaf, other, number)
SELECT 'periods_overlap', f.entry, COALESCE(e.org, 0), COALESCE(e.scoped, :strangers), MAX(f.leaf),
  ARG_MAX(f.earlier, f.leaf), MAX(f.period_end)
FROM (
  SELECT m.entry, m.leaf, m.period_start, m.period_end, LAG(m.leaf) OVER w AS earlier,
    MAX(m.period_end) OVER (w ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS covered
  FROM audit_in_manifest m
  WHERE m.newest = 1 AND m.period_end >= :window AND m.entry IN (
    SELECT u.entry FROM audit_supply s JOIN audit_unit u ON u.leaf = s.unit WHERE s.several = 1)
  WINDOW w AS (PARTITION BY m.entry, m.mode ORDER BY m.period_start, m.period_end, m.leaf)
) f
LEFT JOIN audit_entry e ON e.code = f.entry
WHERE f.period_start <= f.covered
GROUP BY f.entry, e.org, e.scoped;

-- All rows, and far fewer than all rows of the period before.
INSERT INTO audit_finding (name, subject, org, scoped, leaf, other, number)
SELECT 'rows_fell', f.entry, COALESCE(e.org, 0), COALESCE(e.scoped, :strangers), f.leaf, f.earlier, f.was - f.rows
FROM (
  SELECT m.entry, m.leaf, m.rows, LAG(m.leaf) OVER w AS earlier, LAG(m.rows) OVER w AS was
  FROM audit_in_manifest m
  WHERE m.newest = 1 AND m.mode = 1 AND m.period_end >= :window AND m.entry IN (
    SELECT u.entry FROM audit_supply s JOIN audit_unit u ON u.leaf = s.unit WHERE s.several = 1)
  WINDOW w AS (PARTITION BY m.entry ORDER BY m.period_end, m.leaf)
) f
LEFT JOIN audit_entry e ON e.code = f.entry
WHERE f.rows > 0 AND f.rows < f.was AND CAST(f.was - f.rows AS HUGEINT) * 10000 > CAST(f.was AS HUGEINT) * :rows_fell;

-- Manifests with one root: whoever computes one anew has another salt, and so another root.
INSERT INTO audit_finding (name, subject, org, scoped, leaf, other, number)
SELECT 'root_repeated', m.entry, COALESCE(e.org, 0), COALESCE(e.scoped, :strangers), m.leaf, f.leaf, f.period_end
FROM audit_in_manifest m
JOIN (SELECT root, MIN(leaf) AS leaf, ARG_MIN(period_end, leaf) AS period_end
      FROM audit_in_manifest WHERE rows > 0 AND newest = 1
      GROUP BY root HAVING COUNT(*) > 1) f ON f.root = m.root AND f.leaf < m.leaf
LEFT JOIN audit_entry e ON e.code = m.entry
WHERE m.rows > 0 AND m.newest = 1 AND m.period_end >= :window;

-- What the organisation that supplies it received itself: nobody else saw that it arrived.
INSERT INTO audit_finding (name, subject, org, scoped, leaf, other, number)
SELECT 'self_received', d.entry, e.org, e.scoped, MAX(d.leaf), NULL, COUNT(*)
FROM audit_in_content d
JOIN audit_entry e ON e.code = d.entry
JOIN audit_organisation g ON g.id = e.org AND g.hash = d.organisation
WHERE d.period_end >= :window
GROUP BY d.entry, e.org, e.scoped;

-- Rows that were delivered before as another period's.
INSERT INTO audit_finding (name, subject, org, scoped, leaf, other, number)
SELECT 'old_snapshot', d.entry, COALESCE(e.org, 0), COALESCE(e.scoped, :strangers), d.leaf, MIN(b.leaf), MIN(b.period_end)
FROM audit_in_content d
JOIN audit_in_content b
  ON b.entry = d.entry AND b.content = d.content AND b.leaf < d.leaf AND b.period_end <> d.period_end
LEFT JOIN audit_entry e ON e.code = d.entry
WHERE d.number > 1 AND d.rows > 0 AND d.period_end >= :window
GROUP BY d.entry, e.org, e.scoped, d.leaf;

INSERT INTO audit_finding (name, subject, org, scoped, leaf, other, number)
SELECT f.name, f.code, f.org, f.scoped, f.leaf, f.other, f.number
FROM (
  SELECT u.code, u.org, u.scoped, s.newest_delivery % 274877906944 // 32 - 1 AS leaf,
    s.newest_manifest % 274877906944 // 4 AS other, CAST(NULL AS BIGINT) AS number,
    CASE WHEN s.newest_delivery % 2 = 0 AND s.newest_delivery % 32 // 16 = 1 THEN 'empty_table' END AS name
  FROM audit_supply s JOIN audit_unit u ON u.leaf = s.unit
  UNION ALL
  SELECT u.code, u.org, u.scoped, s.newest_delivery % 274877906944 // 32 - 1, s.newest_manifest % 274877906944 // 4, NULL,
    CASE WHEN s.reshaped = 1 THEN 'schema_differs' END
  FROM audit_supply s JOIN audit_unit u ON u.leaf = s.unit
  UNION ALL
  SELECT u.code, u.org, u.scoped, s.newest_delivery % 274877906944 // 32 - 1, s.newest_manifest % 274877906944 // 4, NULL,
    CASE WHEN s.early = 1 THEN 'period_not_over' END
  FROM audit_supply s JOIN audit_unit u ON u.leaf = s.unit
  UNION ALL
  SELECT u.code, u.org, u.scoped, s.newest_delivery % 274877906944 // 32 - 1, CAST(NULL AS BIGINT), s.full_end,
    CASE WHEN s.newest_delivery % 32 // 16 = 0 AND COALESCE(s.full_end, 0) < :full_since THEN 'no_full_delivery' END
  FROM audit_supply s JOIN audit_unit u ON u.leaf = s.unit
  UNION ALL
  SELECT u.code, u.org, u.scoped, s.newest_delivery % 274877906944 // 32 - 1, s.newest_manifest % 274877906944 // 4, NULL,
    CASE WHEN s.newest_delivery % 4 // 2 = 0 AND s.newest_delivery % 8 // 4 = 1
              AND COALESCE(x.missing + x.extra + x.changed + x.duplicates + x.empty_keys, 0) = 0
         THEN 'not_reconciled' END
  FROM audit_supply s
  JOIN audit_unit u ON u.leaf = s.unit
  LEFT JOIN audit_difference x ON x.delivery = s.newest_delivery % 274877906944 // 32 - 1
) f
WHERE f.name IS NOT NULL;

-- What collectors counted in deliveries that no later one of the period replaced.
INSERT INTO audit_finding (name, subject, org, scoped, leaf, other, number)
SELECT f.name, f.entry, COALESCE(e.org, 0), COALESCE(e.scoped, :strangers), f.leaf, NULL, f.number
FROM (
  SELECT 'rows_missing' AS name, d.entry, d.leaf, x.missing AS number
  FROM audit_difference x JOIN audit_in_received d ON d.leaf = x.delivery WHERE x.missing > 0
  UNION ALL
  SELECT 'rows_extra', d.entry, d.leaf, x.extra
  FROM audit_difference x JOIN audit_in_received d ON d.leaf = x.delivery WHERE x.extra > 0
  UNION ALL
  SELECT 'rows_changed', d.entry, d.leaf, x.changed
  FROM audit_difference x JOIN audit_in_received d ON d.leaf = x.delivery WHERE x.changed > 0
  UNION ALL
  SELECT 'padded_rows', d.entry, d.leaf, x.duplicates
  FROM audit_difference x JOIN audit_in_received d ON d.leaf = x.delivery WHERE x.duplicates > 0
  UNION ALL
  SELECT 'empty_keys', d.entry, d.leaf, x.empty_keys
  FROM audit_difference x JOIN audit_in_received d ON d.leaf = x.delivery WHERE x.empty_keys > 0
) f
LEFT JOIN audit_entry e ON e.code = f.entry
WHERE f.leaf NOT IN (SELECT leaf FROM audit_repeated);

-- Deliveries that came after their due day; where Monday to Friday would have told a day between wrong, by its name.
INSERT INTO audit_finding (name, subject, org, scoped, leaf, other, number)
SELECT CASE WHEN c.special > b.special THEN 'late_across_holiday' ELSE 'late_delivery' END,
  u.code, u.org, u.scoped, d.leaf, NULL, d.period_end
FROM audit_supply s
JOIN audit_unit u ON u.leaf = s.unit
JOIN audit_in_received d ON d.leaf = s.late_leaf
JOIN audit_date c ON c.day = d.recorded_on
JOIN audit_date b ON b.day = d.period_end;

INSERT INTO audit_finding (name, subject, org, scoped, leaf, other, number)
SELECT f.name, f.code, f.org, f.scoped, f.leaf, f.other, NULL
FROM (
  SELECT u.code, u.org, u.scoped, u.entry_leaf AS leaf, u.leaf AS other,
    CASE WHEN u.bound = 1 AND u.entry_state IN ('revoked', 'suspended') THEN 'revoked_while_bound' END AS name
  FROM audit_unit u WHERE u.standing = 0
  UNION ALL
  SELECT u.code, u.org, u.scoped, u.binding_leaf, u.leaf, CASE WHEN u.bound = 2 THEN 'binding_released' END
  FROM audit_unit u WHERE u.standing = 0
  UNION ALL
  SELECT u.code, u.org, u.scoped, u.binding_leaf, u.leaf, CASE WHEN u.bound = 1 AND u.rebound = 1 THEN 'entry_rebound' END
  FROM audit_unit u WHERE u.standing = 0
  UNION ALL
  SELECT u.code, u.org, u.scoped, u.binding_leaf, u.leaf, CASE WHEN u.lost = 1 THEN 'entry_shared' END
  FROM audit_unit u WHERE u.standing = 0
  UNION ALL
  SELECT u.code, u.org, u.scoped, u.entry_leaf, u.leaf,
    CASE WHEN u.resource = 1 AND u.share <> 3 THEN 'resource_closed' END
  FROM audit_unit u WHERE u.standing = 0
  UNION ALL
  SELECT u.code, u.org, u.scoped, q.leaf, u.leaf, 'self_assessed'
  FROM audit_score q JOIN audit_unit u ON u.entry = q.entry WHERE q.own = 1 AND u.standing = 0
) f
WHERE f.name IS NOT NULL;

-- One business table answered by several entries.
INSERT INTO audit_finding (name, subject, org, scoped, leaf, other, number)
SELECT 'split_table', k.top, MIN(k.org), MIN(k.scoped), MAX(k.binding_leaf), MIN(k.binding_leaf), COUNT(*)
FROM audit_unit k
WHERE k.child = 1 AND k.standing = 0 AND k.bound = 1
GROUP BY k.top HAVING MIN(k.entry) <> MAX(k.entry);

-- One place, by its label, that several organisations mount as their own source (一数一源).
INSERT INTO audit_finding (name, subject, org, scoped, leaf, other, number, detail)
SELECT 'two_sources', r.code, COALESCE(e.org, 0), COALESCE(e.scoped, :strangers), r.leaf,
  CASE WHEN r.leaf > f.leaf THEN f.leaf END, f.owners, r.location
FROM audit_in_place r
JOIN (SELECT location, MIN(leaf) AS leaf, COUNT(DISTINCT organisation) AS owners
      FROM audit_in_place
      WHERE status = 'live' AND location IS NOT NULL
      GROUP BY location HAVING COUNT(DISTINCT organisation) > 1) f ON f.location = r.location
LEFT JOIN audit_entry e ON e.code = r.entry
WHERE r.status = 'live';

INSERT INTO audit_finding (name, subject, org, scoped, leaf, other, number)
SELECT 'two_sources', s.name, s.org, s.scoped, s.leaf, NULL, s.producers
FROM audit_source s WHERE s.holders > 1 AND s.producers > 1;

-- What moved the denominator: obligations withdrawn, amended, ended; exemptions; objections.
INSERT INTO audit_finding (name, subject, org, scoped, leaf, other, number)
SELECT CASE WHEN o.status <> 'in_force' THEN 'obligation_withdrawn'
            WHEN o.valid_until < :day THEN 'obligation_ended' ELSE 'obligation_amended' END,
  o.code, COALESCE(g.id, 0), COALESCE(g.scoped, :strangers), o.leaf, NULL,
  CASE WHEN o.status <> 'in_force' OR o.valid_until IS NULL OR o.valid_until >= :day THEN o.version
       ELSE o.valid_until END
FROM audit_in_obligation o
LEFT JOIN audit_organisation g ON g.code = o.responsible
WHERE o.status <> 'in_force' OR o.valid_until < :day OR o.version > 1;

INSERT INTO audit_finding (name, subject, org, scoped, leaf, other, number)
SELECT f.name, f.code, COALESCE(g.id, 0), COALESCE(g.scoped, :strangers), f.leaf, f.other, f.expires
FROM (
  SELECT x.code, x.leaf, x.expires, COALESCE(o.leaf, e.leaf) AS other, COALESCE(o.responsible, e.provider) AS owner,
    CASE WHEN x.status <> 'granted' THEN 'exemption_withdrawn'
         WHEN x.approver = COALESCE(o.responsible, e.provider) THEN 'exemption_self_approved'
         WHEN x.expires < :day THEN 'exemption_expired'
         WHEN x.valid_from <= :day THEN 'exemption_relied_on' END AS name
  FROM audit_in_exemption x
  LEFT JOIN audit_in_obligation o ON x.target_type = 'obligation' AND o.code = x.target
  LEFT JOIN audit_in_entry e ON x.target_type = 'entry' AND e.code = x.target
) f
LEFT JOIN audit_organisation g ON g.code = f.owner
WHERE f.name IS NOT NULL;

-- Obligations that whoever owes them, before or after, changed by its own authority: the newest time.
INSERT INTO audit_finding (name, subject, org, scoped, leaf, other, number)
SELECT 'self_amended', f.code, f.org, f.scoped, MAX(f.leaf), ARG_MAX(f.earlier, f.leaf), MAX(f.version)
FROM (
  SELECT n.code, n.leaf, n.version, w.leaf AS earlier, g.id AS org, g.scoped
  FROM audit_in_amended n
  JOIN audit_in_amended w ON w.code = n.code AND w.version = n.version - 1
  JOIN audit_organisation g ON g.hash = n.organisation AND (g.code = w.responsible OR g.code = n.responsible)
) f
GROUP BY f.code, f.org, f.scoped;

-- Exemptions that were written down after the day from which they are to count.
INSERT INTO audit_finding (name, subject, org, scoped, leaf, other, number)
SELECT 'exemption_backdated', x.code, COALESCE(g.id, 0), COALESCE(g.scoped, :strangers), x.leaf, NULL, x.valid_from
FROM audit_in_exemption x
JOIN audit_in_begun b ON b.code = x.code AND b.valid_from = x.valid_from
LEFT JOIN audit_in_obligation o ON x.target_type = 'obligation' AND o.code = x.target
LEFT JOIN audit_in_entry e ON x.target_type = 'entry' AND e.code = x.target
LEFT JOIN audit_organisation g ON g.code = COALESCE(o.responsible, e.provider)
WHERE x.status = 'granted' AND x.valid_from < b.recorded_on;

INSERT INTO audit_finding (name, subject, org, scoped, leaf, other, number)
SELECT 'objection_open', j.obligation, COALESCE(g.id, 0), COALESCE(g.scoped, :strangers), j.leaf, o.leaf, NULL
FROM audit_in_objection j
LEFT JOIN audit_in_obligation o ON o.code = j.obligation
LEFT JOIN audit_organisation g ON g.code = o.responsible
WHERE j.state = 'raised';

INSERT INTO audit_finding (name, subject, org, scoped, leaf, other, number)
SELECT CASE c.clock WHEN 'correct' THEN 'overdue_correction' WHEN 'publish' THEN 'overdue_publication'
                    ELSE 'overdue_catalogue_update' END,
  c.code, c.org, c.scoped, c.leaf, NULL, c.due
FROM audit_clock c WHERE c.state = 2;

-- Statements that nobody can read are on the chain and count for nothing.
INSERT INTO audit_finding (name, subject, org, scoped, leaf, other, number)
SELECT 'unreadable_statement', n.kind, COALESCE(g.id, 0), COALESCE(g.scoped, :strangers), n.leaf, NULL, NULL
FROM audit_in_unreadable n
LEFT JOIN audit_organisation g ON g.hash = n.org;
