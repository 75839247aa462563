// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {GovernanceLog, Mandate, Record} from "./GovernanceLog.sol";
import {Registry} from "./Registry.sol";
import {Decision, Filing, Statements} from "./Statements.sol";

/// @title The catalogue: the life of an entry
/// @notice The owner files an entry as a draft or submits it with the head's signature; an AUTHORITY
/// publishes, returns, suspends, resumes or revokes it. A subject stands at most once in a batch.
/// Head of an entry: owner's number (32 bits), edition (32), state, shareType, openType, grade,
/// updateCycle, library (8 each), published edition (32).
contract Catalogue is Registry {
    /// @notice What is submitted needs the signature of the head as well.
    error CosignatureMissing(bytes32 subject);
    /// @notice No entry is filed under this code.
    error UnknownEntry(bytes32 code);
    /// @notice Returning, suspending and revoking need reasons in the body.
    error ReasonsMissing(bytes32 subject);

    bytes32 private constant ENTRY = "catalogue.entry";
    uint8 private constant SUBMITTED = 2;
    uint8 private constant PUBLISHED = 4;
    // One byte for each state that an entry can be in, none (0) at the right; bit n: may become state n.
    uint256 private constant FILING_WAYS = 0x00_00_04_06_04_06_06;
    uint256 private constant DECISION_WAYS = 0x00_50_60_40_58_40_00;

    /// @notice Binds the registry to its log.
    /// @param log_ The log that will have to admit this registry.
    constructor(GovernanceLog log_) Registry(log_, "GovLedger Catalogue") {}

    /// @notice Files entries of the speaker. Role: STEWARD; what is submitted needs the HEAD's signature too.
    /// @param statements The entries.
    /// @param mandate Who speaks.
    /// @return firstIndex Leaf index of the first statement.
    function file(Filing[] calldata statements, Mandate calldata mandate)
        external
        returns (uint64 firstIndex)
    {
        // Checks
        (uint32 owner,) = _speaker(mandate, STEWARD);
        uint256 count = statements.length;
        bytes32[] memory subjects = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            subjects[i] = statements[i].code;
        }
        uint256[] memory words = log.headsMany(ENTRY, subjects);
        Record[] memory records = new Record[](count);
        for (uint256 i = 0; i < count; ++i) {
            Filing calldata item = statements[i];
            uint192 state = _filed(item, words[i], owner, mandate);
            records[i] = Record(item.code, item.version, state, Statements.payload(item), item.body);
        }

        // Effects
        return _recordMany(ENTRY, Statements.FILING_BATCH, records, mandate);
    }

    /// @notice Decides on entries. Role: AUTHORITY, of any organisation.
    /// @param statements The decisions.
    /// @param mandate Who speaks.
    /// @return firstIndex Leaf index of the first statement.
    function decide(Decision[] calldata statements, Mandate calldata mandate)
        external
        returns (uint64 firstIndex)
    {
        // Checks
        _speaker(mandate, AUTHORITY);
        uint256 count = statements.length;
        bytes32[] memory subjects = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            subjects[i] = statements[i].code;
        }
        uint256[] memory words = log.headsMany(ENTRY, subjects);
        Record[] memory records = new Record[](count);
        for (uint256 i = 0; i < count; ++i) {
            Decision calldata item = statements[i];
            uint192 state = _decided(item, words[i]);
            records[i] = Record(item.code, item.version, state, Statements.payload(item), item.body);
        }

        // Effects
        return _recordMany(ENTRY, Statements.DECISION_BATCH, records, mandate);
    }

    function _filed(Filing calldata item, uint256 word, uint32 owner, Mandate calldata mandate)
        private
        pure
        returns (uint192)
    {
        _checkVersion(ENTRY, item.code, item.version, uint64(word >> 192));
        if (word != 0 && uint32(word) != owner) revert NotOwner(item.code, mandate.organisation);
        _checkWay(FILING_WAYS, item.code, uint8(word >> 64), item.state);
        uint256 min = item.state == SUBMITTED ? 1 : 0;
        _checkRange("shareType", item.shareType, min, 3);
        _checkRange("openType", item.openType, min, 3);
        _checkRange("grade", item.grade, min, 4);
        _checkRange("updateCycle", item.updateCycle, min, 9);
        _checkRange("library", item.library_, min, 4);
        if (min == 1 && mandate.cosigner == address(0)) revert CosignatureMissing(item.code);

        uint256 edition = uint32(word >> 32) + 1;
        uint256 typed = uint256(item.state) | (uint256(item.shareType) << 8) | (uint256(item.openType) << 16)
            | (uint256(item.grade) << 24) | (uint256(item.updateCycle) << 32)
            | (uint256(item.library_) << 40);
        uint256 published = uint32(word >> 112);
        return uint192(uint256(owner) | (edition << 32) | (typed << 64) | (published << 112));
    }

    function _decided(Decision calldata item, uint256 word) private pure returns (uint192) {
        if (word == 0) revert UnknownEntry(item.code);
        _checkVersion(ENTRY, item.code, item.version, uint64(word >> 192));
        uint8 from = uint8(word >> 64);
        _checkWay(DECISION_WAYS, item.code, from, item.state);
        if (item.state != PUBLISHED && item.body.length == 0) revert ReasonsMissing(item.code);

        uint256 decided = (word & ~(uint256(0xff) << 64)) | (uint256(item.state) << 64);
        if (from == SUBMITTED && item.state == PUBLISHED) {
            uint256 edition = uint32(word >> 32);
            decided = (decided & ~(uint256(0xffffffff) << 112)) | (edition << 112);
        }
        return uint192(decided);
    }

    function _checkWay(uint256 ways, bytes32 subject, uint8 from, uint8 to) private pure {
        if ((uint8(ways >> (uint256(from) * 8)) >> to) & 1 == 0) revert IllegalTransition(subject, from, to);
    }
}
