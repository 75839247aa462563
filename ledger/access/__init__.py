"""Access (访问控制): bearer tokens for programs that hand in what nobody signs, such as lineage events.

What is signed needs no token: the signature is the authority, whoever carries it.
"""
