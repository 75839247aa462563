// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Statements} from "./Statements.sol";

/// @notice How far a journal has come.
/// @param origin Keccak-256 of the journal's name.
/// @param version Version of the checkpoint.
/// @param size How many facts the journal holds.
/// @param root RFC 9162 root of the facts.
/// @param body Canonical JSON: origin, size and root as text.
struct Checkpoint {
    bytes32 origin;
    uint64 version;
    uint64 size;
    bytes32 root;
    bytes body;
}

/// @title Checkpoints of journals as EIP-712 sees them
/// @notice Payloads and type hashes, as {Statements} has them.
library JournalStatements {
    bytes32 internal constant CHECKPOINT_BATCH = keccak256(
        "CheckpointBatch(string organisation,uint64 deadline,Checkpoint[] statements)"
        "Checkpoint(string origin,uint64 version,uint64 size,bytes32 root,bytes32 bodyDigest)"
    );
    bytes32 private constant CHECKPOINT =
        keccak256("Checkpoint(string origin,uint64 version,uint64 size,bytes32 root,bytes32 bodyDigest)");

    function payload(Checkpoint calldata item) internal pure returns (bytes memory) {
        return abi.encode(
            CHECKPOINT, item.origin, item.version, item.size, item.root, Statements.bodyDigest(item.body)
        );
    }
}
