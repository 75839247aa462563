// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MerkleFrontier} from "../MerkleFrontier.sol";

/// @title The tree alone, for tests against another implementation
/// @notice Leaf n is the SHA-256 of 0x00 and n as 32 bytes.
contract TreeHarness {
    using MerkleFrontier for MerkleFrontier.Tree;

    MerkleFrontier.Tree private _tree;

    /// @notice Appends leaves in one batch.
    /// @param count How many.
    function append(uint256 count) external {
        _append(count);
    }

    /// @notice Appends leaves one batch each and tells the root after each.
    /// @param count How many.
    /// @return roots The roots, oldest first.
    function appendSingly(uint256 count) external returns (bytes32[] memory roots) {
        roots = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            _append(1);
            roots[i] = _tree.root();
        }
    }

    /// @notice Starts again with a tree whose leaves cannot be told any more.
    /// @param size_ Number of leaves.
    /// @param peaks Roots of its complete subtrees, by height; ignored where the size has no such bit.
    function pretend(uint256 size_, bytes32[64] calldata peaks) external {
        _tree.size = size_;
        _tree.peaks = peaks;
    }

    /// @notice Number of leaves.
    /// @return The size.
    function size() external view returns (uint256) {
        return _tree.size;
    }

    /// @notice Merkle Tree Hash.
    /// @return The root.
    function root() external view returns (bytes32) {
        return _tree.root();
    }

    function _append(uint256 count) private {
        MerkleFrontier.Pending memory pending = _tree.begin();
        for (uint256 i = 0; i < count; ++i) {
            _tree.append(pending, sha256(abi.encodePacked(bytes1(0), pending.size)));
        }
        _tree.commit(pending);
    }
}
