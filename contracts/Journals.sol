// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {GovernanceLog, Mandate, Record} from "./GovernanceLog.sol";
import {Checkpoint, JournalStatements} from "./JournalStatements.sol";
import {Registry} from "./Registry.sol";

/// @title Journals: checkpoints of append-only logs that are kept off the chain
/// @notice A journal belongs to the organisation that first anchors it, and only grows. That a root
/// extends the one before is proven off the chain, with consistency proofs of RFC 9162. A subject stands
/// at most once in a batch.
/// Head of a journal: size (64 bits), organisation's number (32), first 96 bits of the root.
contract Journals is Registry {
    /// @notice A journal only grows: `given` must be larger than `last`.
    error NotGrown(bytes32 origin, uint64 given, uint64 last);

    bytes32 private constant CHECKPOINT = "journal.checkpoint";

    /// @notice Binds the registry to its log.
    /// @param log_ The log that will have to admit this registry.
    constructor(GovernanceLog log_) Registry(log_, "GovLedger Journals") {}

    /// @notice Records checkpoints of the speaker's journals. Role: COLLECTOR or AUTHORITY.
    /// @param statements The checkpoints.
    /// @param mandate Who speaks.
    /// @return firstIndex Leaf index of the first statement.
    function checkpoint(Checkpoint[] calldata statements, Mandate calldata mandate)
        external
        returns (uint64 firstIndex)
    {
        // Checks
        (uint32 number,) = _speaker(mandate, COLLECTOR | AUTHORITY);
        uint256 count = statements.length;
        bytes32[] memory subjects = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            subjects[i] = statements[i].origin;
        }
        uint256[] memory words = log.headsMany(CHECKPOINT, subjects);
        Record[] memory records = new Record[](count);
        for (uint256 i = 0; i < count; ++i) {
            Checkpoint calldata item = statements[i];
            uint256 word = words[i];
            _checkVersion(CHECKPOINT, item.origin, item.version, uint64(word >> 192));
            if (word != 0 && uint32(word >> 64) != number) {
                revert NotOwner(item.origin, mandate.organisation);
            }
            if (item.size <= uint64(word)) revert NotGrown(item.origin, item.size, uint64(word));
            _checkRange("root", uint256(item.root), 1, type(uint256).max);
            uint256 root = uint96(bytes12(item.root));
            uint192 state = uint192(uint256(item.size) | (uint256(number) << 64) | (root << 96));
            bytes memory payload = JournalStatements.payload(item);
            records[i] = Record(item.origin, item.version, state, payload, item.body);
        }

        // Effects
        return _recordMany(CHECKPOINT, JournalStatements.CHECKPOINT_BATCH, records, mandate);
    }
}
