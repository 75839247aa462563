"""Seeds that once ended otherwise than the truth, and what they showed. Whatever fails joins them."""

from __future__ import annotations

SEEDS: dict[int, str] = {
    40: "the mirror was lost, and a reorganisation that came meanwhile was told to nobody",
    52: "the clock was set back, and what was to be tried again waited for its time to come again",
    99: "a node that is behind made the office refuse what another office had recorded",
    1005: "a transaction that failed was in another block after a reorganisation, and succeeded",
    1062: "a block came and went before the mirror saw it, and its receipts named it for ever",
    1196: "nobody filled a nonce that a reorganisation had freed, and what came after it waited for ever",
    1340: "a receipt stood in a block that another one had replaced",
    100393: "a range without events was read on one fork, and given the block hash of another",
}
