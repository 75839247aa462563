// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title An append-only Merkle tree (RFC 9162, section 2.1) of which only the frontier is kept
/// @notice The frontier is the roots of the complete subtrees that make up the tree, one per set bit of
/// its size. Appending n leaves hashes fewer than 2n nodes and writes each height at most once.
library MerkleFrontier {
    /// @notice The tree in storage. `peaks[h]` counts only where bit h of `size` is set.
    struct Tree {
        uint256 size;
        bytes32[64] peaks;
    }

    /// @notice Appends under way, in memory. Bit h of `known` is set where `peaks[h]` is in memory.
    struct Pending {
        uint256 size;
        uint256 known;
        bytes32[64] peaks;
    }

    /// @dev Starts a run of appends. Nothing is written before {commit}.
    function begin(Tree storage tree) internal view returns (Pending memory pending) {
        pending.size = tree.size;
    }

    /// @dev Appends the hash of one leaf, `SHA-256(0x00 || leaf)`.
    function append(Tree storage tree, Pending memory pending, bytes32 node) internal view {
        uint256 height = 0;
        uint256 known = pending.known;
        for (uint256 rest = pending.size; rest & 1 == 1; rest >>= 1) {
            bytes32 left = (known >> height) & 1 == 1 ? pending.peaks[height] : tree.peaks[height];
            node = hashNode(left, node);
            ++height;
        }
        pending.peaks[height] = node;
        pending.known = known | (1 << height);
        ++pending.size;
    }

    /// @dev Writes the peaks that are new and still stand, then the size.
    function commit(Tree storage tree, Pending memory pending) internal {
        uint256 standing = pending.known & pending.size;
        for (uint256 height = 0; standing != 0; ++height) {
            if (standing & 1 == 1) tree.peaks[height] = pending.peaks[height];
            standing >>= 1;
        }
        tree.size = pending.size;
    }

    /// @dev Merkle Tree Hash of all leaves; of no leaves it is the SHA-256 of the empty string.
    function root(Tree storage tree) internal view returns (bytes32 node) {
        uint256 rest = tree.size;
        if (rest == 0) return sha256("");

        bool started = false;
        for (uint256 height = 0; rest != 0; ++height) {
            if (rest & 1 == 1) {
                node = started ? hashNode(tree.peaks[height], node) : tree.peaks[height];
                started = true;
            }
            rest >>= 1;
        }
    }

    /// @dev `SHA-256(0x01 || left || right)`.
    function hashNode(bytes32 left, bytes32 right) internal view returns (bytes32 node) {
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            // 65 bytes behind the free memory pointer, reused by every call.
            let scratch := mload(0x40)
            mstore8(scratch, 1)
            mstore(add(scratch, 1), left)
            mstore(add(scratch, 33), right)
            if iszero(staticcall(gas(), 2, scratch, 65, 0, 32)) {
                revert(0, 0)
            }
            node := mload(0)
        }
    }
}
