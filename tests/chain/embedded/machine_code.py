"""Small contracts in EVM machine code, so that tests need no compiler, and a sender for them."""

from __future__ import annotations

from eth_account import Account
from eth_utils.address import to_checksum_address

from ledger.chain.embedded import EmbeddedChain

CHAIN_ID = 26476


def creation(runtime: bytes) -> bytes:
    """Creation code that returns ``runtime``: CODECOPY(0, 10, size), RETURN(0, size)."""
    return bytes.fromhex(f"61{len(runtime):04x}80600a5f395ff3") + runtime


def logger(topics: int) -> bytes:
    """Takes ``topics`` words and then data, and logs them."""
    skip = 32 * topics
    code = bytes.fromhex(f"60{skip:02x}360360{skip:02x}5f37")  # CALLDATACOPY(0, skip, size - skip)
    for at in reversed(range(topics)):
        code += bytes.fromhex(f"60{32 * at:02x}35")  # CALLDATALOAD(32 * at)
    return code + bytes.fromhex(f"60{skip:02x}36035f") + bytes([0xA0 + topics])


STORE = bytes.fromhex("36602014600e576020355f3555005b5f35545f5260205ff3")
"""With two words: SSTORE(first, second). With one: returns SLOAD(first)."""
REVERTER = bytes.fromhex("365f5f37365ffd")
"""Reverts with what it was given."""
BURNER = bytes.fromhex("5b5f56")
"""Runs until the gas is gone."""
ENDLESS = bytes.fromhex("5f5f5f5f5f305af100")
"""Calls itself with all the gas it may pass on, whatever becomes of the call."""
CLOCK = bytes.fromhex("425f52436020524860405246606052600143034060805260a05ff3")
"""Returns TIMESTAMP, NUMBER, BASEFEE, CHAINID, BLOCKHASH(NUMBER - 1)."""


def nested() -> bytes:
    """Calls itself with one less until it is given 0, then fills a fresh slot, at the bottom.

    Reverts where an inner call failed, so that gas which does not reach the bottom is seen on top.
    """
    body = bytes.fromhex("5f35")  # n
    body += bytes.fromhex("8060") + b"\x00" + bytes.fromhex("57")  # DUP1 PUSH1 <deeper> JUMPI
    body += bytes.fromhex("6001435500")  # SSTORE(NUMBER, 1) STOP
    deeper = len(body)
    body += bytes.fromhex("5b6001900360005260006000602060006000305af1")  # CALL(gas, self, n - 1)
    body += bytes.fromhex("60") + b"\x00" + bytes.fromhex("575f5ffd")  # JUMPI <good>; REVERT(0, 0)
    good = len(body)
    body += bytes.fromhex("5b00")
    code = bytearray(body)
    code[4] = deeper
    code[body.index(bytes.fromhex("575f5ffd")) - 1] = good
    return bytes(code)


def word(value: int | bytes) -> bytes:
    """32 bytes."""
    return value.to_bytes(32, "big") if isinstance(value, int) else value.rjust(32, b"\0")


class Sender:
    """An account without money that signs one transaction after the other."""

    def __init__(self, chain: EmbeddedChain, seed: int = 1) -> None:
        self.chain = chain
        self.account = Account.from_key(word(seed))
        self.address = bytes.fromhex(self.account.address[2:])
        self.nonce = chain.nonce(self.address)

    def sign(self, to: bytes | None, data: bytes = b"", **changes: object) -> bytes:
        """A signed transaction with the next nonce; ``changes`` replace its members."""
        members = {
            "nonce": self.nonce,
            "gas": 1_000_000,
            "gasPrice": 0,
            "value": 0,
            "data": data,
            "chainId": self.chain.chain_id,
        }
        if to is not None:
            members["to"] = to_checksum_address(to)
        members.update(changes)
        members = {name: value for name, value in members.items() if value is not None}
        if members["nonce"] == self.nonce:
            self.nonce += 1
        return bytes(self.account.sign_transaction(members).raw_transaction)

    def send(self, to: bytes | None, data: bytes = b"", **changes: object) -> bytes:
        return self.chain.send_raw(self.sign(to, data, **changes))

    def deploy(self, runtime: bytes, **changes: object) -> bytes:
        """The address of a contract with this code."""
        sent = self.send(None, creation(runtime), **changes)
        row = self.chain.store.transaction(sent)
        assert row is not None
        assert row.succeeded
        return row.created
