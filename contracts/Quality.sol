// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {GovernanceLog, Mandate, Record} from "./GovernanceLog.sol";
import {Registry} from "./Registry.sol";
import {Score, Statements} from "./Statements.sol";

/// @title Quality: scores of catalogue entries, in basis points
/// @notice An ASSESSOR scores any entry, a STEWARD the entries of its own organisation. One subject for
/// each entry, period and assessing organisation; scoring the same again is its next version.
/// Head of a score: total (16 bits), assessed (8), coverage (16).
contract Quality is Registry {
    /// @notice No entry is filed under this code.
    error UnknownEntry(bytes32 code);
    /// @notice The entry has editions from 1 to `latest` only.
    error UnknownEdition(bytes32 code, uint32 given, uint32 latest);

    bytes32 private constant ENTRY = "catalogue.entry";
    bytes32 private constant SCORE = "quality.score";
    uint256 private constant FULL = 10_000;

    /// @notice Binds the registry to its log.
    /// @param log_ The log that will have to admit this registry.
    constructor(GovernanceLog log_) Registry(log_, "GovLedger Quality") {}

    /// @notice Records scores. Role: ASSESSOR; or STEWARD, for entries of its own organisation.
    /// @param statements The scores.
    /// @param mandate Who speaks.
    /// @return firstIndex Leaf index of the first statement.
    function score(Score[] calldata statements, Mandate calldata mandate)
        external
        returns (uint64 firstIndex)
    {
        // Checks
        (uint32 number, uint16 held) = _speaker(mandate, ASSESSOR | STEWARD);
        uint256 count = statements.length;
        bytes32[] memory entries = new bytes32[](count);
        bytes32[] memory subjects = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            Score calldata item = statements[i];
            entries[i] = item.entry;
            subjects[i] = keccak256(
                abi.encode(item.entry, item.periodStart, item.periodEnd, mandate.organisation)
            );
        }
        uint256[] memory entryWords = log.headsMany(ENTRY, entries);
        uint256[] memory words = log.headsMany(SCORE, subjects);
        Record[] memory records = new Record[](count);
        for (uint256 i = 0; i < count; ++i) {
            Score calldata item = statements[i];
            if (entryWords[i] == 0) revert UnknownEntry(item.entry);
            if (held & ASSESSOR == 0 && uint32(entryWords[i]) != number) {
                revert RoleMissing(mandate.signer, mandate.organisation, ASSESSOR);
            }
            _checkVersion(SCORE, subjects[i], item.version, uint64(words[i] >> 192));
            _checkScore(item, uint32(entryWords[i] >> 32));
            uint192 state =
                uint192(item.total) | (uint192(item.assessed) << 16) | (uint192(item.coverage) << 24);
            records[i] = Record(subjects[i], item.version, state, Statements.payload(item), item.body);
        }

        // Effects
        return _recordMany(SCORE, Statements.SCORE_BATCH, records, mandate);
    }

    function _checkScore(Score calldata item, uint32 latest) private pure {
        if (item.edition == 0 || item.edition > latest) {
            revert UnknownEdition(item.entry, item.edition, latest);
        }
        if (!_isDay(item.periodEnd)) revert OutOfRange("periodEnd", item.periodEnd, LAST_DAY);
        if (!_isDay(item.periodStart)) revert OutOfRange("periodStart", item.periodStart, LAST_DAY);
        _checkRange("periodStart", item.periodStart, 0, item.periodEnd);
        uint8 assessed = item.assessed;
        _checkRange("assessed", assessed, 0, 63);
        _checkRange("normativity", item.normativity, 0, assessed & 1 == 0 ? 0 : FULL);
        _checkRange("completeness", item.completeness, 0, assessed & 2 == 0 ? 0 : FULL);
        _checkRange("accuracy", item.accuracy, 0, assessed & 4 == 0 ? 0 : FULL);
        _checkRange("consistency", item.consistency, 0, assessed & 8 == 0 ? 0 : FULL);
        _checkRange("timeliness", item.timeliness, 0, assessed & 16 == 0 ? 0 : FULL);
        _checkRange("accessibility", item.accessibility, 0, assessed & 32 == 0 ? 0 : FULL);
        _checkRange("total", item.total, 0, FULL);
        _checkRange("coverage", item.coverage, 0, FULL);
    }
}
