// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title A key held by several people: M of N owners sign
/// @notice For tests of ERC-1271 signers. The signature is M signatures of 65 bytes in a row, ordered by
/// the owners' addresses.
contract Wallet is IERC1271 {
    uint256 private immutable _threshold;
    mapping(address owner => bool isOwner) private _owners;

    /// @notice Names the owners.
    /// @param owners The N owners.
    /// @param threshold M.
    constructor(address[] memory owners, uint256 threshold) {
        _threshold = threshold;
        for (uint256 i = 0; i < owners.length; ++i) {
            _owners[owners[i]] = true;
        }
    }

    /// @inheritdoc IERC1271
    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        if (signature.length != _threshold * 65) return 0xffffffff;
        address last = address(0);
        for (uint256 i = 0; i < signature.length; i += 65) {
            (address owner, ECDSA.RecoverError failure,) =
                ECDSA.tryRecoverCalldata(hash, signature[i:i + 65]);
            if (failure != ECDSA.RecoverError.NoError || owner <= last || !_owners[owner]) {
                return 0xffffffff;
            }
            last = owner;
        }
        return IERC1271.isValidSignature.selector;
    }
}
