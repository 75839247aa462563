// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {GovernanceLog, Mandate, Record} from "./GovernanceLog.sol";
import {DatasetRule, LineageStatements, Step} from "./LineageStatements.sol";
import {Registry} from "./Registry.sol";

/// @title Lineage: which data sets belong to which entries, and steps of processing by declaration
/// @notice A subject stands at most once in a batch.
/// Head of a rule: holder's number (32 bits), status (8). Head of a step: organisation's number (32),
/// status (8).
contract Lineage is Registry {
    /// @notice A rule or step without a body says nothing.
    error BodyMissing(bytes32 subject);

    bytes32 private constant RULE = "lineage.rule";
    bytes32 private constant STEP = "lineage.step";
    uint256 private constant WITHDRAWN = 2;

    /// @notice Binds the registry to its log.
    /// @param log_ The log that will have to admit this registry.
    constructor(GovernanceLog log_) Registry(log_, "GovLedger Lineage") {}

    /// @notice Records rules about data sets. Role: STEWARD, for its own organisation; or AUTHORITY, for
    /// any that is registered.
    /// @param statements The rules.
    /// @param mandate Who speaks.
    /// @return firstIndex Leaf index of the first statement.
    function attribute(DatasetRule[] calldata statements, Mandate calldata mandate)
        external
        returns (uint64 firstIndex)
    {
        // Checks
        (, uint16 held) = _speaker(mandate, STEWARD | AUTHORITY);
        uint256 count = statements.length;
        bytes32[] memory subjects = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            subjects[i] = statements[i].code;
        }
        uint256[] memory words = log.headsMany(RULE, subjects);
        Record[] memory records = new Record[](count);
        for (uint256 i = 0; i < count; ++i) {
            DatasetRule calldata item = statements[i];
            _checkVersion(RULE, item.code, item.version, uint64(words[i] >> 192));
            if (held & AUTHORITY == 0 && item.holder != mandate.organisation) {
                revert RoleMissing(mandate.signer, mandate.organisation, AUTHORITY);
            }
            uint32 holder = uint32(_organisation(item.holder));
            uint192 state = _stated(item.code, words[i], holder, item.holder, item.status, item.body);
            bytes memory payload = LineageStatements.payload(item);
            records[i] = Record(item.code, item.version, state, payload, item.body);
        }

        // Effects
        return _recordMany(RULE, LineageStatements.DATASET_RULE_BATCH, records, mandate);
    }

    /// @notice Records steps of processing. Role: STEWARD; a step belongs to the organisation that first
    /// used its code.
    /// @param statements The steps.
    /// @param mandate Who speaks.
    /// @return firstIndex Leaf index of the first statement.
    function declare(Step[] calldata statements, Mandate calldata mandate)
        external
        returns (uint64 firstIndex)
    {
        // Checks
        (uint32 number,) = _speaker(mandate, STEWARD);
        uint256 count = statements.length;
        bytes32[] memory subjects = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            subjects[i] = statements[i].code;
        }
        uint256[] memory words = log.headsMany(STEP, subjects);
        Record[] memory records = new Record[](count);
        for (uint256 i = 0; i < count; ++i) {
            Step calldata item = statements[i];
            _checkVersion(STEP, item.code, item.version, uint64(words[i] >> 192));
            uint192 state =
                _stated(item.code, words[i], number, mandate.organisation, item.status, item.body);
            bytes memory payload = LineageStatements.payload(item);
            records[i] = Record(item.code, item.version, state, payload, item.body);
        }

        // Effects
        return _recordMany(STEP, LineageStatements.STEP_BATCH, records, mandate);
    }

    /// @dev The head that a rule or step leaves behind; it stays with its organisation, and only what was
    /// stated can be withdrawn.
    function _stated(
        bytes32 code,
        uint256 word,
        uint32 number,
        bytes32 organisation,
        uint8 status,
        bytes calldata body
    ) private pure returns (uint192) {
        if (word != 0 && uint32(word) != number) revert NotOwner(code, organisation);
        _checkRange("status", status, ACTIVE, word == 0 ? ACTIVE : WITHDRAWN);
        if (body.length == 0) revert BodyMissing(code);
        return uint192(uint256(number) | (uint256(status) << 32));
    }
}
