-- 链上一致率: an edition in force is what the log on the chain commits to where its filing is, and is the entry's own.
UPDATE audit_entry SET consistent = 2
WHERE in_force = 1 AND leaf NOT IN (
  SELECT e.leaf FROM audit_in_entry e
  JOIN audit_in_sound s ON s.leaf = e.published_leaf AND s.subject = e.subject);
