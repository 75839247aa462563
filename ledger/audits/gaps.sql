-- Every unit whose ladder is broken: who must act, since which day, and by which working day. A day is null where
-- the calendar of working days does not reach.
INSERT INTO audit_gap (unit, code, org, scoped, acts, rung, reason, since, due)
SELECT f.unit, f.code, f.org, f.scoped, f.acts, f.rung, f.reason, f.since, COALESCE(f.due, w.day)
FROM (
  SELECT v.unit, u.code, u.org, u.scoped, v.rung, v.reason,
    CASE WHEN v.reason = 'awaiting_publication' THEN COALESCE(r.id, 0) ELSE u.org END AS acts,
    CASE
      WHEN v.rung = 1 AND v.reason IN ('not_bound', 'entry_unknown', 'answers_another')
        THEN CASE WHEN u.valid_from > u.recorded_on THEN u.valid_from ELSE u.recorded_on END
      WHEN v.rung = 1 AND v.reason = 'released' THEN u.bound_on
      WHEN v.rung IN (1, 2) THEN u.entry_on
      WHEN v.rung IN (3, 4) THEN CASE WHEN u.due_upto > u.due_from THEN y.last_day ELSE u.entry_on END
      WHEN v.rung IN (5, 6) THEN d.recorded_on
      WHEN v.rung = 7 THEN y.last_day
      WHEN v.reason = 'correction_open' THEN p.filed_on
      ELSE q.recorded_on END AS since,
    CASE WHEN v.rung IN (3, 4, 7) AND u.due_upto > u.due_from THEN y.due END AS due,
    CASE v.rung
      WHEN 1 THEN CASE WHEN v.reason = 'awaiting_publication' THEN :publish_days ELSE :update_days END
      WHEN 2 THEN :mount_days
      WHEN 3 THEN :deliver_days
      WHEN 4 THEN :deliver_days
      WHEN 8 THEN CASE WHEN v.reason = 'correction_open' THEN :correct_days ELSE :improve_days END
      ELSE :improve_days END AS days
  FROM audit_verdict v
  JOIN audit_unit u ON u.leaf = v.unit
  LEFT JOIN audit_cycle y ON y.cycle = u.cycle
  LEFT JOIN audit_in_received d ON d.leaf = v.delivery_leaf
  LEFT JOIN audit_score q ON q.entry = u.entry
  LEFT JOIN audit_open p ON p.entry = u.entry
  LEFT JOIN audit_organisation r ON r.root = 1
  WHERE v.rung > 0
) f
LEFT JOIN audit_date t ON t.day = f.since
LEFT JOIN audit_workday w ON w.ordinal = t.ordinal + f.days;
