// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Mandate, Record} from "./GovernanceLog.sol";
import {Opening, OpeningStatements} from "./OpeningStatements.sol";
import {Registry} from "./Registry.sol";
import {SuccessorLog} from "./SuccessorLog.sol";

/// @title The opening of a log that carries on another one
/// @notice The first statement of such a log, and the only one of its kind: an AUTHORITY signs which log
/// was carried over, how many leaves it had, and their root.
/// Head of a predecessor: size (64 bits), first 128 bits of the root.
contract Openings is Registry {
    /// @notice The log that was carried over is another one, or has another size or root.
    error NotPredecessor(uint256 chainId, address predecessor, uint64 size, bytes32 root);

    bytes32 private constant OPENING = "log.opening";

    /// @notice Binds the registry to its log.
    /// @param log_ The log that will have to admit this registry.
    constructor(SuccessorLog log_) Registry(log_, "GovLedger Openings") {}

    /// @notice Records the opening. Role: AUTHORITY.
    /// @param statements The opening, alone.
    /// @param mandate Who speaks.
    /// @return firstIndex Its leaf index, which is the predecessor's size.
    function open(Opening[] calldata statements, Mandate calldata mandate)
        external
        returns (uint64 firstIndex)
    {
        // Checks
        _speaker(mandate, AUTHORITY);
        uint256 count = statements.length;
        Record[] memory records = new Record[](count);
        for (uint256 i = 0; i < count; ++i) {
            Opening calldata item = statements[i];
            bytes32 subject = keccak256(abi.encode(item.chainId, item.log));
            (uint64 last,) = log.heads(OPENING, subject);
            _checkVersion(OPENING, subject, item.version, last);
            _checkPredecessor(item);
            uint192 state = uint192(item.size) | (uint192(uint128(bytes16(item.root))) << 64);
            records[i] =
                Record(subject, item.version, state, OpeningStatements.payload(item), item.body);
        }

        // Effects
        return _recordMany(OPENING, OpeningStatements.OPENING_BATCH, records, mandate);
    }

    function _checkPredecessor(Opening calldata item) private view {
        SuccessorLog successor = SuccessorLog(address(log));
        uint64 size = successor.inheritedSize();
        bytes32 root = successor.inheritedRoot();
        if (
            item.chainId != successor.predecessorChainId() || item.log != successor.predecessorLog()
                || item.genesis != successor.predecessorGenesis() || item.size != size
                || item.root != root || log.size() != size
        ) {
            revert NotPredecessor(
                successor.predecessorChainId(), successor.predecessorLog(), size, root
            );
        }
    }
}
