"""A consortium (联盟链) of validators on this machine: building the engine, its genesis, its network."""
