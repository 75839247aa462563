// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

import {EmptyBatch, GovernanceLog, Mandate, Record, StaleVersion} from "./GovernanceLog.sol";

/// @title What all registries share: who may speak, the EIP-712 digest, and the way into the log
/// @notice Every rule is checked against the heads of the log, which a registry's successor reads as well.
abstract contract Registry is EIP712 {
    /// @notice The block's `time` is after the batch's `deadline`.
    error DeadlinePassed(uint64 deadline, uint256 time);
    /// @notice The signature is not one by `signer` over `digest`.
    error BadSignature(address signer, bytes32 digest);
    /// @notice The key is unknown, revoked, of another organisation, or has none of the roles in `role`.
    error RoleMissing(address signer, bytes32 organisation, uint16 role);
    /// @notice The second signature must come from another key than the first.
    error CosignerIsSigner(address signer);
    /// @notice No organisation is registered under this code.
    error UnknownOrganisation(bytes32 code);
    /// @notice The organisation is dissolved.
    error OrganisationDissolved(bytes32 code);
    /// @notice The subject belongs to another organisation.
    error NotOwner(bytes32 subject, bytes32 organisation);
    /// @notice The rules know no way between these states.
    error IllegalTransition(bytes32 subject, uint8 from, uint8 to);
    /// @notice The member (ASCII name) has a value that is not allowed; `max` is the largest that is.
    error OutOfRange(bytes32 member, uint256 value, uint256 max);

    bytes32 internal constant ORGANISATION = "organisation";
    bytes32 internal constant KEY = "organisation.key";
    uint16 internal constant STEWARD = 1;
    uint16 internal constant HEAD = 2;
    uint16 internal constant AUTHORITY = 4;
    uint16 internal constant COLLECTOR = 8;
    uint16 internal constant ASSESSOR = 16;
    uint16 internal constant AUDITOR = 32;
    uint8 internal constant ACTIVE = 1;
    uint32 internal constant LAST_DAY = 29_991_231;

    /// @notice The log that this registry writes to and reads from.
    GovernanceLog public immutable log;
    /// @notice The key that speaks for the first organisation until a statement about it is recorded.
    address public immutable genesisAuthority;

    /// @notice Binds the registry to its log.
    /// @param log_ The log that will have to admit this registry.
    /// @param name Name of the EIP-712 domain.
    constructor(GovernanceLog log_, string memory name) EIP712(name, "1") {
        log = log_;
        genesisAuthority = log_.genesisAuthority();
    }

    /// @dev The speaker's number and the roles of its key, of which at least one must be in `roles`.
    /// A co-signer, where there is one, must be another key of the same organisation, with the role HEAD.
    function _speaker(Mandate calldata mandate, uint16 roles)
        internal
        view
        returns (uint32 number, uint16 held)
    {
        number = uint32(_activeOrganisation(mandate.organisation));
        held = _rolesOf(mandate.signer, number);
        if (held & roles == 0) revert RoleMissing(mandate.signer, mandate.organisation, roles);
        _checkCosigner(mandate, number);
    }

    function _checkCosigner(Mandate calldata mandate, uint32 number) internal view {
        address cosigner = mandate.cosigner;
        if (cosigner == address(0)) return;
        if (cosigner == mandate.signer) revert CosignerIsSigner(cosigner);
        if (_rolesOf(cosigner, number) & HEAD == 0) {
            revert RoleMissing(cosigner, mandate.organisation, HEAD);
        }
    }

    /// @dev State word of a registered organisation.
    function _organisation(bytes32 code) internal view returns (uint192 state) {
        (, state) = log.heads(ORGANISATION, code);
        if (state == 0) revert UnknownOrganisation(code);
    }

    /// @dev State word of a registered organisation that is not dissolved.
    function _activeOrganisation(bytes32 code) internal view returns (uint192 state) {
        state = _organisation(code);
        if (uint8(state >> 72) != ACTIVE) revert OrganisationDissolved(code);
    }

    /// @dev Version and state word of a key. The genesis key stands for the first organisation, with the
    /// role AUTHORITY, until there is a statement about it.
    function _key(address key) internal view returns (uint64 version, uint192 state) {
        (version, state) = log.heads(KEY, _subject(key));
        if (version == 0 && key == genesisAuthority) {
            state = 1 | (uint192(AUTHORITY) << 32) | (uint192(ACTIVE) << 48);
        }
    }

    /// @dev Roles that a key may use for the organisation with this number; none where it is revoked.
    function _rolesOf(address key, uint32 number) internal view returns (uint16) {
        (, uint192 state) = _key(key);
        return uint8(state >> 48) == ACTIVE && uint32(state) == number ? uint16(state >> 32) : 0;
    }

    /// @dev The subject under which the log keeps a key.
    function _subject(address key) internal pure returns (bytes32) {
        return bytes32(uint256(uint160(key)));
    }

    function _checkVersion(bytes32 kind, bytes32 subject, uint64 given, uint64 last) internal pure {
        if (given != last + 1) revert StaleVersion(kind, subject, given, last + 1);
    }

    function _checkRange(bytes32 member, uint256 value, uint256 min, uint256 max) internal pure {
        if (value < min || value > max) revert OutOfRange(member, value, max);
    }

    /// @dev A day as YYYYMMDD of the Gregorian calendar in 1900..2999.
    function _checkDay(bytes32 member, uint256 value) internal pure {
        if (!_isDay(value)) revert OutOfRange(member, value, LAST_DAY);
    }

    /// @dev Whether YYYYMMDD is a day of the Gregorian calendar in 1900..2999.
    function _isDay(uint256 value) internal pure returns (bool) {
        uint256 year = value / 10_000;
        uint256 month = (value / 100) % 100;
        uint256 day = value % 100;
        if (year < 1900 || year > 2999 || month == 0 || month > 12 || day == 0) return false;
        if (month != 2) return day <= 30 + ((month ^ (month >> 3)) & 1);
        return day <= ((year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)) ? 29 : 28);
    }

    /// @dev Checks deadline and signatures over the batch and publishes them.
    function _authorise(
        bytes32 kind,
        bytes32 batchTypeHash,
        Record[] memory records,
        Mandate calldata mandate
    ) internal returns (bytes32 digest, uint64 firstIndex) {
        // Checks
        uint256 count = records.length;
        if (count == 0) revert EmptyBatch();
        if (block.timestamp > mandate.deadline) revert DeadlinePassed(mandate.deadline, block.timestamp);
        bytes32[] memory hashes = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            hashes[i] = keccak256(records[i].payload);
        }
        digest = _hashTypedDataV4(
            keccak256(
                abi.encode(
                    batchTypeHash,
                    mandate.organisation,
                    mandate.deadline,
                    keccak256(abi.encodePacked(hashes))
                )
            )
        );
        _checkSignature(mandate.signer, digest, mandate.signature);
        if (mandate.cosigner != address(0)) {
            _checkSignature(mandate.cosigner, digest, mandate.cosignature);
        }

        // Interactions
        firstIndex = log.authorise(kind, digest, uint64(count), mandate);
    }

    /// @dev Authorises and records a batch whose rules are checked.
    function _recordMany(
        bytes32 kind,
        bytes32 batchTypeHash,
        Record[] memory records,
        Mandate calldata mandate
    ) internal returns (uint64 firstIndex) {
        bytes32 digest;
        (digest, firstIndex) = _authorise(kind, batchTypeHash, records, mandate);
        log.recordMany(kind, digest, mandate.organisation, mandate.signer, records);
    }

    function _checkSignature(address signer, bytes32 digest, bytes calldata signature)
        internal
        view
        virtual
    {
        if (!SignatureChecker.isValidSignatureNowCalldata(signer, digest, signature)) {
            revert BadSignature(signer, digest);
        }
    }
}
