"""Pictures of lineage (血缘图): as a tree of text, as SVG, as Mermaid; all from one :class:`Picture`.

Nothing here asks a database, and the same picture always gives the same bytes.
"""

from ledger.lineage.pictures.picture import Arrow, Box, Names, Picture, of_columns, of_walk

__all__ = ["Arrow", "Box", "Names", "Picture", "of_columns", "of_walk"]
