"""The mirror (镜像库): the log, followed from a chain into SQL, every step proven against the
contract.
"""
