// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Mandate, Record} from "./GovernanceLog.sol";
import {Exemption, ObligationStatements} from "./ObligationStatements.sol";
import {MemberFixed, ReasonsMissing, UnknownEntry} from "./Refusals.sol";
import {Registry} from "./Registry.sol";

/// @title Exemptions from obligations, and of catalogue entries: what need not be collected, and for how long
/// @notice An AUTHORITY grants them, but none that its own organisation profits from. Each one ends. A
/// subject stands at most once in a batch.
/// Head of an exemption: numbers of who profits and who approved (32 bits each), scope, status (8 each),
/// validFrom, expires (32 each), targetType (8), first 40 bits of the target.
abstract contract Exemptions is Registry {
    /// @notice No obligation is imposed under this code.
    error UnknownObligation(bytes32 code);
    /// @notice Whoever profits from an exemption cannot approve it.
    error SelfApproved(bytes32 code, bytes32 organisation);

    bytes32 internal constant ENTRY = "catalogue.entry";
    bytes32 internal constant OBLIGATION = "obligation";
    uint8 internal constant ENDED = 2;
    bytes32 private constant EXEMPTION = "obligation.exemption";
    uint8 private constant ALL_SCOPES = 31;

    /// @notice Grants, changes or withdraws exemptions. Role: AUTHORITY of an organisation that does not
    /// profit.
    /// @param statements The exemptions.
    /// @param mandate Who speaks.
    /// @return firstIndex Leaf index of the first statement.
    function exempt(Exemption[] calldata statements, Mandate calldata mandate)
        external
        returns (uint64 firstIndex)
    {
        // Checks
        (uint32 number,) = _speaker(mandate, AUTHORITY);
        uint256 count = statements.length;
        bytes32[] memory subjects = new bytes32[](count);
        bytes32[] memory targets = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            subjects[i] = statements[i].code;
            targets[i] = statements[i].target;
        }
        uint256[] memory words = log.headsMany(EXEMPTION, subjects);
        uint256[] memory obligationWords = log.headsMany(OBLIGATION, targets);
        uint256[] memory entryWords = log.headsMany(ENTRY, targets);
        Record[] memory records = new Record[](count);
        for (uint256 i = 0; i < count; ++i) {
            Exemption calldata item = statements[i];
            _checkRange("targetType", item.targetType, 1, 2);
            bool ofObligation = item.targetType == 1;
            // Who answers for it stands in the lowest 32 bits of both.
            uint32 beneficiary = uint32(ofObligation ? obligationWords[i] : entryWords[i]);
            if (beneficiary == 0 && ofObligation) revert UnknownObligation(item.target);
            if (beneficiary == 0) revert UnknownEntry(item.target);
            if (beneficiary == number) revert SelfApproved(item.code, mandate.organisation);
            uint192 state = _exempted(item, words[i]);
            state |= uint192(beneficiary) | (uint192(number) << 32);
            bytes memory payload = ObligationStatements.payload(item);
            records[i] = Record(item.code, item.version, state, payload, item.body);
        }

        // Effects
        return _recordMany(EXEMPTION, ObligationStatements.EXEMPTION_BATCH, records, mandate);
    }

    /// @dev The state word, without the two organisations.
    function _exempted(Exemption calldata item, uint256 word) private pure returns (uint192) {
        bytes32 code = item.code;
        _checkVersion(EXEMPTION, code, item.version, uint64(word >> 192));
        uint40 target = uint40(bytes5(item.target));
        if (word != 0) {
            if (uint8(word >> 144) != item.targetType) revert MemberFixed(code, "targetType");
            if (uint40(word >> 152) != target) revert MemberFixed(code, "target");
        }
        _checkRange("scope", item.scope, 1, ALL_SCOPES);
        _checkStatus(code, item.status, word, item.body);
        _checkDay("validFrom", item.validFrom);
        _checkDay("expires", item.expires);
        _checkRange("validFrom", item.validFrom, 0, item.expires - 1);
        return (uint192(item.scope) << 64) | (uint192(item.status) << 72) | (uint192(item.validFrom) << 80)
            | (uint192(item.expires) << 112) | (uint192(item.targetType) << 144) | (uint192(target) << 152);
    }

    /// @dev What does not exist yet cannot be withdrawn, and nothing is withdrawn without reasons.
    function _checkStatus(bytes32 subject, uint8 status, uint256 word, bytes calldata body) internal pure {
        _checkRange("status", status, ACTIVE, word == 0 ? ACTIVE : ENDED);
        if (status == ENDED && body.length == 0) revert ReasonsMissing(subject);
    }
}
