// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AuditStatements, Report} from "./AuditStatements.sol";
import {GovernanceLog, Mandate, Record} from "./GovernanceLog.sol";
import {Registry} from "./Registry.sol";

/// @title Audits: reports, anchored with the size and root of the log that they were computed at
/// @notice A code belongs to the organisation that used it first. That the root is the log's root at that
/// size cannot be checked here, for the log keeps no history: whoever reads the report does.
/// Head of a report: size (64 bits), organisation's number (32), type (8).
contract Audits is Registry {
    bytes32 private constant REPORT = "audit.report";
    uint8 private constant LINEAGE = 3;

    /// @notice Binds the registry to its log.
    /// @param log_ The log that will have to admit this registry.
    constructor(GovernanceLog log_) Registry(log_, "GovLedger Audits") {}

    /// @notice Publishes audit reports. Role: AUDITOR. A subject stands at most once in a batch.
    /// @param statements The reports.
    /// @param mandate Who speaks.
    /// @return firstIndex Leaf index of the first statement.
    function report(Report[] calldata statements, Mandate calldata mandate)
        external
        returns (uint64 firstIndex)
    {
        // Checks
        (uint32 number,) = _speaker(mandate, AUDITOR);
        uint256 count = statements.length;
        bytes32[] memory subjects = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            subjects[i] = statements[i].code;
        }
        uint256[] memory words = log.headsMany(REPORT, subjects);
        uint64 size = log.size();
        Record[] memory records = new Record[](count);
        for (uint256 i = 0; i < count; ++i) {
            Report calldata item = statements[i];
            _checkVersion(REPORT, item.code, item.version, uint64(words[i] >> 192));
            if (words[i] != 0 && uint32(words[i] >> 64) != number) {
                revert NotOwner(item.code, mandate.organisation);
            }
            _checkRange("type", item.type_, 1, LINEAGE);
            _checkRange("size", item.size, 1, size);
            _checkRange("numerator", item.numerator, 0, item.denominator);
            _checkRange("report", uint256(item.report), 1, type(uint256).max);
            uint192 state =
                uint192(item.size) | (uint192(number) << 64) | (uint192(item.type_) << 96);
            records[i] =
                Record(item.code, item.version, state, AuditStatements.payload(item), item.body);
        }

        // Effects
        return _recordMany(REPORT, AuditStatements.REPORT_BATCH, records, mandate);
    }
}
