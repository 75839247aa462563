-- Every unit judged. States: 1 met, 2 unmet, 3 exempt, 4 not applicable, 5 not assessable. Scopes of exemption:
-- 1 catalogue, 2 collect, 4 update, 8 quality, 16 share; what need not be catalogued need not be collected either.
-- Where the columns are not called as all the items are, families.sql judges those.
INSERT INTO audit_verdict
  (unit, cataloguing, collection, records, timeliness, quality, rung, reason, on_time, manifest_leaf, delivery_leaf,
   rows_due, rows_here, items, items_due, items_here)
SELECT v.unit, v.cataloguing, v.collection, v.records, v.timeliness, v.quality, v.rung,
  CASE v.rung
    WHEN 1 THEN CASE WHEN v.lost = 1 THEN 'answers_another'
                     WHEN v.bound = 2 THEN 'released'
                     WHEN v.bound = 0 THEN 'not_bound'
                     WHEN v.entry_state IS NULL THEN 'entry_unknown'
                     WHEN v.entry_state = 'submitted' THEN 'awaiting_publication'
                     ELSE v.entry_state END
    WHEN 2 THEN CASE WHEN v.resource = 1 THEN 'resource_closed' ELSE 'not_mounted' END
    WHEN 3 THEN CASE WHEN v.newest_manifest IS NULL THEN 'no_manifest' ELSE 'manifest_outdated' END
    WHEN 4 THEN CASE WHEN v.delivery_leaf IS NULL THEN 'not_delivered'
                     WHEN v.delivered < v.due_upto THEN 'delivery_outdated' ELSE 'empty_table' END
    WHEN 5 THEN CASE WHEN v.bare_newest = 1 THEN 'delivery_without_manifest' ELSE 'manifest_after_delivery' END
    WHEN 6 THEN CASE WHEN v.current = 0 THEN 'manifest_after_delivery' ELSE 'rows_differ' END
    WHEN 7 THEN 'late'
    WHEN 8 THEN CASE WHEN v.open_leaf IS NOT NULL THEN 'correction_open' ELSE 'low_score' END
  END,
  v.on_time,
  v.newest_manifest % 274877906944 // 4,
  v.delivery_leaf,
  CASE WHEN v.records < 3 THEN v.rows_due ELSE 0 END,
  CASE WHEN v.records < 3 THEN v.rows_here ELSE 0 END,
  v.items,
  CASE WHEN v.items < 3 THEN v.item_count ELSE 0 END,
  CASE WHEN v.items = 1 THEN v.item_count ELSE 0 END
FROM (
  SELECT j.*,
    CASE WHEN j.standing <> 0 OR (j.exempt & 1) <> 0 THEN 0
         WHEN j.cataloguing = 2 THEN 1
         WHEN j.share <> 3 AND (j.exempt & 16) = 0 AND j.resource < 2 THEN 2
         WHEN (j.exempt & 2) = 0 AND (j.newest_manifest IS NULL OR (j.due > 0 AND j.manifested < j.due_upto)) THEN 3
         WHEN (j.exempt & 2) = 0 AND (j.collected = 0 OR (j.due > 0 AND j.delivered < j.due_upto)) THEN 4
         WHEN (j.exempt & 2) = 0 AND (j.bare_newest = 1 OR j.named = 0) THEN 5
         WHEN (j.exempt & 2) = 0 AND (j.complete = 0 OR j.incomplete > 0 OR j.contradicted = 1) THEN 6
         WHEN j.timeliness = 2 THEN 7
         WHEN j.quality = 2 THEN 8
         ELSE 0 END AS rung
  FROM (
    SELECT k.*,
      CASE WHEN k.standing <> 0 THEN 4 WHEN (k.exempt & 1) <> 0 THEN 3
           WHEN k.catalogued = 1 THEN 1 ELSE 2 END AS cataloguing,
      CASE WHEN k.standing <> 0 THEN 4 WHEN (k.exempt & 3) <> 0 THEN 3
           WHEN k.collected = 1 THEN 1 ELSE 2 END AS collection,
      CASE WHEN k.standing <> 0 THEN 4 WHEN (k.exempt & 3) <> 0 THEN 3
           WHEN k.lost = 2 THEN 4
           WHEN k.catalogued = 0 OR k.newest_manifest IS NULL THEN 5
           WHEN k.rows_due = 0 THEN 4
           WHEN k.rows_here = k.rows_due THEN 1 ELSE 2 END AS records,
      CASE WHEN k.standing <> 0 THEN 4 WHEN (k.exempt & 7) <> 0 THEN 3
           WHEN k.collected = 0 OR k.cycle NOT BETWEEN 1 AND 7 THEN 4
           WHEN :calendar_known = 0 THEN 5
           WHEN k.due = 0 THEN 4
           WHEN k.delivered >= k.due_upto AND k.on_time * 10000 >= k.due * :timeliness_pass THEN 1
           ELSE 2 END AS timeliness,
      CASE WHEN k.standing <> 0 THEN 4 WHEN (k.exempt & 11) <> 0 THEN 3
           WHEN k.collected = 0 THEN 4
           WHEN k.open_leaf IS NOT NULL THEN 2
           WHEN k.total IS NULL THEN 5
           WHEN k.total >= :quality_pass THEN 1 ELSE 2 END AS quality,
      CASE WHEN k.standing <> 0 THEN 4 WHEN (k.exempt & 3) <> 0 THEN 3
           WHEN k.lost = 2 THEN 4
           WHEN k.catalogued = 0 OR k.hidden = 1 THEN 5
           WHEN k.item_count = 0 THEN 4
           WHEN k.collected = 0 THEN 2
           WHEN k.newest_manifest IS NULL OR k.newest_manifest % 4 < 2 THEN 5
           WHEN k.newest_manifest % 2 = 1 THEN 1 ELSE 5 END AS items
    FROM (
      SELECT f.*,
        CASE WHEN f.catalogued = 0 THEN 0
             WHEN f.full_ = 1 AND f.filled_now = 0 AND f.bare_newest = 0 THEN 0
             WHEN f.filled = 1 OR f.bare_filled = 1 THEN 1 ELSE 0 END AS collected
      FROM (
        SELECT u.leaf AS unit, u.standing, u.exempt, u.bound, u.lost, u.entry_state, u.share, u.resource, u.cycle,
          u.due_upto,
          CASE WHEN u.due_upto > u.due_from THEN u.due_upto - u.due_from ELSE 0 END AS due,
          CASE WHEN u.in_force = 1 AND u.lost <> 1 THEN 1 ELSE 0 END AS catalogued,
          s.newest_manifest, COALESCE(s.manifested, 0) AS manifested,
          COALESCE(s.filled, 0) AS filled, COALESCE(n.filled, 0) AS bare_filled,
          COALESCE(s.incomplete, 0) AS incomplete, COALESCE(s.rows_due, 0) AS rows_due,
          COALESCE(s.rows_here, 0) AS rows_here,
          CASE WHEN nd.upto > COALESCE(s.delivered, 0) THEN nd.upto ELSE COALESCE(s.delivered, 0) END AS delivered,
          CASE WHEN n.period_end > COALESCE(s.newest_delivery // 274877906944, 0) THEN 1 ELSE 0 END AS bare_newest,
          CASE WHEN n.period_end > COALESCE(s.newest_delivery // 274877906944, 0) THEN n.leaf
               ELSE s.newest_delivery % 274877906944 // 32 - 1 END AS delivery_leaf,
          s.newest_delivery % 32 // 16 AS full_, s.newest_delivery % 16 // 8 AS named,
          s.newest_delivery % 8 // 4 AS current, s.newest_delivery % 4 // 2 AS complete,
          s.newest_delivery % 2 AS filled_now,
          CASE WHEN s.broken_end >= s.newest_delivery // 274877906944 THEN 1 ELSE 0 END AS contradicted,
          COALESCE(t.periods, s.timely, 0) AS on_time,
          q.total, p.leaf AS open_leaf, u.hidden, u.item_count
        FROM audit_unit u
        LEFT JOIN audit_supply s ON s.unit = u.leaf
        LEFT JOIN audit_bare n ON n.entry = u.entry
        LEFT JOIN audit_day nd
          ON nd.id = u.cycle * 100000000
            + CASE WHEN n.period_end < :first_day THEN :first_day ELSE n.period_end END
        LEFT JOIN audit_timely t ON t.unit = u.leaf
        LEFT JOIN audit_score q ON q.entry = u.entry
        LEFT JOIN audit_open p ON p.entry = u.entry
      ) f
    ) k
  ) j
) v;
