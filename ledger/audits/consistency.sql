-- 链上一致率: an edition in force is, byte for byte, what the log on the chain commits to, unless it is among those altered.
UPDATE audit_entry SET consistent = 2
WHERE leaf IN (SELECT a.leaf FROM audit_in_altered a);
