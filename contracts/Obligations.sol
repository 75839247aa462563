// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Exemptions} from "./Exemptions.sol";
import {GovernanceLog, Mandate, Record} from "./GovernanceLog.sol";
import {Binding, Objection, Obligation, ObligationStatements} from "./ObligationStatements.sol";
import {MemberFixed, ReasonsMissing, UnknownEntry} from "./Refusals.sol";
import {Registry} from "./Registry.sol";

/// @title Obligations: what must be collected, by whom, and what is exempt from it
/// @notice An AUTHORITY imposes obligations; the responsible organisation binds catalogue entries to them,
/// and objects. A subject stands at most once in a batch.
/// Head of an obligation: responsible organisation's number (32 bits), type, status, updateCycle, library
/// (8 each), validFrom, validUntil (32 each).
/// Head of a binding: number of the entry's owner (32), status (8), first 128 bits of the entry.
/// Head of an objection: responsible organisation's number (32), state (8).
/// Exemptions are in {Exemptions}, which is part of this contract.
contract Obligations is Exemptions {
    /// @notice A duty stands at the top; every other obligation stands below a known one of a lower type.
    error NotAbove(bytes32 code, bytes32 parent);
    /// @notice The obligation is withdrawn.
    error NotInForce(bytes32 code);
    /// @notice The entry is not one of the responsible organisation, or not the one that is bound.
    error EntryMismatch(bytes32 obligation, bytes32 entry);

    bytes32 private constant BINDING = "obligation.binding";
    bytes32 private constant OBJECTION = "obligation.objection";
    bytes32 private constant NO_CODE = keccak256("");
    uint8 private constant DUTY = 1;
    uint8 private constant TABLE = 3;
    uint8 private constant EXPECTED_ENTRY = 4;
    uint8 private constant BOUND = 1;
    uint8 private constant RAISED = 1;
    uint8 private constant DISMISSED = 3;

    /// @notice Binds the registry to its log.
    /// @param log_ The log that will have to admit this registry.
    constructor(GovernanceLog log_) Registry(log_, "GovLedger Obligations") {}

    /// @notice Imposes, amends or withdraws obligations. Role: AUTHORITY. A parent may stand earlier in the
    /// same batch.
    /// @param statements The obligations.
    /// @param mandate Who speaks.
    /// @return firstIndex Leaf index of the first statement.
    function oblige(Obligation[] calldata statements, Mandate calldata mandate)
        external
        returns (uint64 firstIndex)
    {
        // Checks
        _speaker(mandate, AUTHORITY);
        uint256 count = statements.length;
        bytes32[] memory subjects = new bytes32[](count);
        bytes32[] memory parents = new bytes32[](count);
        bytes32[] memory organisations = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            Obligation calldata item = statements[i];
            subjects[i] = item.code;
            parents[i] = item.parent;
            organisations[i] = item.responsible;
        }
        uint256[] memory words = log.headsMany(OBLIGATION, subjects);
        uint256[] memory parentWords = log.headsMany(OBLIGATION, parents);
        uint256[] memory organisationWords = log.headsMany(ORGANISATION, organisations);
        Record[] memory records = new Record[](count);
        for (uint256 i = 0; i < count; ++i) {
            Obligation calldata item = statements[i];
            uint192 state = _obliged(item, words[i], organisationWords[i]);
            _checkParent(statements, i, parentWords[i]);
            bytes memory payload = ObligationStatements.payload(item);
            records[i] = Record(item.code, item.version, state, payload, item.body);
        }

        // Effects
        return _recordMany(OBLIGATION, ObligationStatements.OBLIGATION_BATCH, records, mandate);
    }

    /// @notice Binds entries to obligations or releases them. Role: STEWARD of the responsible organisation,
    /// or AUTHORITY.
    /// @param statements The bindings.
    /// @param mandate Who speaks.
    /// @return firstIndex Leaf index of the first statement.
    function bind(Binding[] calldata statements, Mandate calldata mandate)
        external
        returns (uint64 firstIndex)
    {
        // Checks
        (uint32 number, uint16 held) = _speaker(mandate, STEWARD | AUTHORITY);
        uint256 count = statements.length;
        bytes32[] memory subjects = new bytes32[](count);
        bytes32[] memory entries = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            subjects[i] = statements[i].obligation;
            entries[i] = statements[i].entry;
        }
        uint256[] memory words = log.headsMany(BINDING, subjects);
        uint256[] memory obligationWords = log.headsMany(OBLIGATION, subjects);
        uint256[] memory entryWords = log.headsMany(ENTRY, entries);
        Record[] memory records = new Record[](count);
        for (uint256 i = 0; i < count; ++i) {
            Binding calldata item = statements[i];
            if (obligationWords[i] == 0) revert UnknownObligation(item.obligation);
            if (held & AUTHORITY == 0 && uint32(obligationWords[i]) != number) {
                revert NotOwner(item.obligation, mandate.organisation);
            }
            uint192 state = _bound(item, words[i], obligationWords[i], entryWords[i]);
            bytes memory payload = ObligationStatements.payload(item);
            records[i] = Record(item.obligation, item.version, state, payload, item.body);
        }

        // Effects
        return _recordMany(BINDING, ObligationStatements.BINDING_BATCH, records, mandate);
    }

    /// @notice Objects to obligations, or answers objections. Role: STEWARD or HEAD of the responsible
    /// organisation to object, AUTHORITY to answer.
    /// @param statements The objections or answers.
    /// @param mandate Who speaks.
    /// @return firstIndex Leaf index of the first statement.
    function object(Objection[] calldata statements, Mandate calldata mandate)
        external
        returns (uint64 firstIndex)
    {
        // Checks
        (uint32 number, uint16 held) = _speaker(mandate, STEWARD | HEAD | AUTHORITY);
        uint256 count = statements.length;
        bytes32[] memory subjects = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            subjects[i] = statements[i].obligation;
        }
        uint256[] memory words = log.headsMany(OBJECTION, subjects);
        uint256[] memory obligationWords = log.headsMany(OBLIGATION, subjects);
        Record[] memory records = new Record[](count);
        for (uint256 i = 0; i < count; ++i) {
            Objection calldata item = statements[i];
            uint32 responsible = uint32(obligationWords[i]);
            if (responsible == 0) revert UnknownObligation(item.obligation);
            bool raises = item.state == RAISED;
            if (raises && responsible != number) revert NotOwner(item.obligation, mandate.organisation);
            uint16 roles = raises ? STEWARD | HEAD : AUTHORITY;
            if (held & roles == 0) revert RoleMissing(mandate.signer, mandate.organisation, roles);
            _checkObjection(item, words[i]);
            uint192 state = uint192(responsible) | (uint192(item.state) << 32);
            bytes memory payload = ObligationStatements.payload(item);
            records[i] = Record(item.obligation, item.version, state, payload, item.body);
        }

        // Effects
        return _recordMany(OBJECTION, ObligationStatements.OBJECTION_BATCH, records, mandate);
    }

    function _obliged(Obligation calldata item, uint256 word, uint256 organisationWord)
        private
        pure
        returns (uint192)
    {
        bytes32 code = item.code;
        _checkVersion(OBLIGATION, code, item.version, uint64(word >> 192));
        _checkRange("type", item.type_, 1, EXPECTED_ENTRY);
        if (word != 0 && uint8(word >> 32) != item.type_) revert MemberFixed(code, "type");
        _checkStatus(code, item.status, word, item.body);
        _checkRange("updateCycle", item.updateCycle, 0, 9);
        _checkRange("library", item.library_, 0, 4);
        _checkDay("validFrom", item.validFrom);
        if (item.validUntil != 0) {
            _checkDay("validUntil", item.validUntil);
            _checkRange("validFrom", item.validFrom, 0, item.validUntil);
        }
        if (organisationWord == 0) revert UnknownOrganisation(item.responsible);
        // What a dissolved organisation left undone can be withdrawn, but not be asked of it.
        if (item.status == ACTIVE && uint8(organisationWord >> 72) != ACTIVE) {
            revert OrganisationDissolved(item.responsible);
        }
        return uint192(uint32(organisationWord)) | (uint192(item.type_) << 32) | (uint192(item.status) << 40)
            | (uint192(item.updateCycle) << 48) | (uint192(item.library_) << 56)
            | (uint192(item.validFrom) << 64) | (uint192(item.validUntil) << 96);
    }

    /// @dev Types grow strictly on the way down and never change, so nothing stands above itself.
    function _checkParent(Obligation[] calldata statements, uint256 place, uint256 parentWord) private pure {
        Obligation calldata item = statements[place];
        bytes32 parent = item.parent;
        if (item.type_ == DUTY) {
            if (parent != NO_CODE) revert NotAbove(item.code, parent);
            return;
        }
        uint8 above = uint8(parentWord >> 32);
        for (uint256 i = 0; above == 0 && i < place; ++i) {
            if (statements[i].code == parent) above = statements[i].type_;
        }
        if (above == 0 || above >= item.type_) revert NotAbove(item.code, parent);
    }

    function _bound(Binding calldata item, uint256 word, uint256 obligationWord, uint256 entryWord)
        private
        pure
        returns (uint192)
    {
        bytes32 code = item.obligation;
        _checkVersion(BINDING, code, item.version, uint64(word >> 192));
        _checkRange("status", item.status, 1, ENDED);
        if (entryWord == 0) revert UnknownEntry(item.entry);
        uint128 entry = uint128(bytes16(item.entry));
        if (item.status == BOUND) {
            _checkRange("type", uint8(obligationWord >> 32), TABLE, EXPECTED_ENTRY);
            if (uint8(obligationWord >> 40) != ACTIVE) revert NotInForce(code);
            if (uint32(entryWord) != uint32(obligationWord)) revert EntryMismatch(code, item.entry);
        } else {
            bool isBound = uint8(word >> 32) == BOUND && uint128(word >> 40) == entry;
            if (!isBound) revert EntryMismatch(code, item.entry);
            if (item.body.length == 0) revert ReasonsMissing(code);
        }
        return uint192(uint32(entryWord)) | (uint192(item.status) << 32) | (uint192(entry) << 40);
    }

    function _checkObjection(Objection calldata item, uint256 word) private pure {
        _checkVersion(OBJECTION, item.obligation, item.version, uint64(word >> 192));
        _checkRange("state", item.state, RAISED, DISMISSED);
        uint8 from = uint8(word >> 32);
        // An objection follows anything but an open one; an answer follows an open one alone.
        if ((item.state == RAISED) == (from == RAISED)) {
            revert IllegalTransition(item.obligation, from, item.state);
        }
        if (item.body.length == 0) revert ReasonsMissing(item.obligation);
    }
}
