"""The catalogue (数据目录):
entries, their life, their checks, their import, and the search over them.
"""
