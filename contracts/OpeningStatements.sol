// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Statements} from "./Statements.sol";

/// @notice Which log this one carries on, and where that one was sealed.
/// @param chainId Chain id of the predecessor.
/// @param log Address of the predecessor.
/// @param version Always 1.
/// @param genesis Hash of block 0 of its chain.
/// @param size Number of its leaves.
/// @param root Their root.
/// @param body Canonical JSON: the same as text, with the predecessor's contracts and its seal.
struct Opening {
    uint256 chainId;
    address log;
    uint64 version;
    bytes32 genesis;
    uint64 size;
    bytes32 root;
    bytes body;
}

/// @title The opening of a log as EIP-712 sees it
/// @notice Payload and type hashes, as {Statements} has them.
library OpeningStatements {
    bytes32 internal constant OPENING_BATCH = keccak256(
        "OpeningBatch(string organisation,uint64 deadline,Opening[] statements)"
        "Opening(uint256 chainId,address log,uint64 version,bytes32 genesis,uint64 size,bytes32 root,bytes32 bodyDigest)"
    );
    bytes32 private constant OPENING = keccak256(
        "Opening(uint256 chainId,address log,uint64 version,bytes32 genesis,uint64 size,bytes32 root,bytes32 bodyDigest)"
    );

    function payload(Opening calldata item) internal pure returns (bytes memory) {
        return abi.encode(
            OPENING,
            item.chainId,
            item.log,
            item.version,
            item.genesis,
            item.size,
            item.root,
            Statements.bodyDigest(item.body)
        );
    }
}
