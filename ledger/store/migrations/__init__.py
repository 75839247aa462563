"""Schema revisions: one line of them for each family, in files named for the revision."""
