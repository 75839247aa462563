// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Correction, CorrectionStatements} from "./CorrectionStatements.sol";
import {GovernanceLog, Mandate, Record} from "./GovernanceLog.sol";
import {MemberFixed, UnknownEntry} from "./Refusals.sol";
import {Registry} from "./Registry.sol";

/// @title Corrections: requests to correct an entry, their answers and evaluations
/// @notice An organisation that uses an entry files a request; the entry's owner takes it up, rejects or
/// answers it; the requester evaluates the answer or cancels. A subject stands at most once in a batch.
/// Head of a request: requester's number (32 bits), owner's number (32), state (8), type (8), time of
/// filing in Unix seconds (48), first 64 bits of the entry's hash.
contract Corrections is Registry {
    /// @notice The organisation owns the entry: it corrects it instead of asking for that.
    error OwnEntry(bytes32 entry, bytes32 organisation);
    /// @notice Only who filed the request may evaluate or cancel it.
    error NotRequester(bytes32 code, bytes32 organisation);
    /// @notice Every step is explained in the body.
    error BodyMissing(bytes32 subject);

    bytes32 private constant ENTRY = "catalogue.entry";
    bytes32 private constant CORRECTION = "correction";
    uint8 private constant FILED = 1;
    uint8 private constant EVALUATED = 5;
    uint256 private constant LAST_TYPE = 4;
    // One byte for each state that a request can be in, none (0) at the right; bit n: may become state n.
    uint256 private constant WAYS = 0x00_00_20_20_50_5c_02;

    /// @notice Binds the registry to its log.
    /// @param log_ The log that will have to admit this registry.
    constructor(GovernanceLog log_) Registry(log_, "GovLedger Corrections") {}

    /// @notice Records steps of correction requests. To file: STEWARD or ASSESSOR of any organisation but
    /// the entry's owner. To take up, reject or answer: STEWARD of the owner. To evaluate or cancel:
    /// STEWARD or ASSESSOR of the requester.
    /// @param statements The steps.
    /// @param mandate Who speaks.
    /// @return firstIndex Leaf index of the first statement.
    function correct(Correction[] calldata statements, Mandate calldata mandate)
        external
        returns (uint64 firstIndex)
    {
        // Checks
        (uint32 number, uint16 held) = _speaker(mandate, STEWARD | ASSESSOR);
        uint256 count = statements.length;
        bytes32[] memory subjects = new bytes32[](count);
        bytes32[] memory entries = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            subjects[i] = statements[i].code;
            entries[i] = statements[i].entry;
        }
        uint256[] memory words = log.headsMany(CORRECTION, subjects);
        uint256[] memory entryWords = log.headsMany(ENTRY, entries);
        Record[] memory records = new Record[](count);
        for (uint256 i = 0; i < count; ++i) {
            Correction calldata item = statements[i];
            _checkStep(item, words[i]);
            uint192 state = item.state == FILED
                ? _filed(item, entryWords[i], number, mandate)
                : _moved(item, words[i], number, held, mandate);
            bytes memory payload = CorrectionStatements.payload(item);
            records[i] = Record(item.code, item.version, state, payload, item.body);
        }

        // Effects
        return _recordMany(CORRECTION, CorrectionStatements.CORRECTION_BATCH, records, mandate);
    }

    function _filed(Correction calldata item, uint256 entryWord, uint32 number, Mandate calldata mandate)
        private
        view
        returns (uint192)
    {
        if (entryWord == 0) revert UnknownEntry(item.entry);
        uint32 owner = uint32(entryWord);
        if (owner == number) revert OwnEntry(item.entry, mandate.organisation);
        _checkRange("type", item.type_, 1, LAST_TYPE);
        uint256 parties = uint256(number) | (uint256(owner) << 32);
        uint256 typed = uint256(FILED) | (uint256(item.type_) << 8);
        uint256 filed = uint48(block.timestamp);
        uint256 entry = uint64(bytes8(item.entry));
        return uint192(parties | (typed << 64) | (filed << 80) | (entry << 128));
    }

    function _moved(
        Correction calldata item,
        uint256 word,
        uint32 number,
        uint16 held,
        Mandate calldata mandate
    ) private pure returns (uint192) {
        if (item.state >= EVALUATED) {
            if (uint32(word) != number) revert NotRequester(item.code, mandate.organisation);
        } else {
            if (uint32(word >> 32) != number) revert NotOwner(item.entry, mandate.organisation);
            if (held & STEWARD == 0) revert RoleMissing(mandate.signer, mandate.organisation, STEWARD);
        }
        if (uint8(word >> 72) != item.type_) revert MemberFixed(item.code, "type");
        if (uint64(word >> 128) != uint64(bytes8(item.entry))) revert MemberFixed(item.code, "entry");
        return uint192((word & ~(uint256(0xff) << 64)) | (uint256(item.state) << 64));
    }

    function _checkStep(Correction calldata item, uint256 word) private pure {
        _checkVersion(CORRECTION, item.code, item.version, uint64(word >> 192));
        uint8 from = uint8(word >> 64);
        if ((uint8(WAYS >> (uint256(from) * 8)) >> item.state) & 1 == 0) {
            revert IllegalTransition(item.code, from, item.state);
        }
        if (item.body.length == 0) revert BodyMissing(item.code);
    }
}
