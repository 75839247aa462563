"""Integrity drills (完整性演练): what an auditor would check by hand, done again and again while a server runs."""
