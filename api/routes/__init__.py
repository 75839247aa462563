"""One file of routes per capability."""
