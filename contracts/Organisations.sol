// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {GovernanceLog, Mandate, Record} from "./GovernanceLog.sol";
import {Registry} from "./Registry.sol";
import {Key, Organisation, Statements} from "./Statements.sol";

/// @title Organisations and their keys
/// @notice An AUTHORITY registers organisations and grants keys; a HEAD may revoke keys of its own
/// organisation. Statements of a batch build on one another, and the signer's standing is checked anew
/// before each: a key that revokes itself must do so last.
/// Head of an organisation: number (32 bits), parent's number (32), level (8), status (8).
/// Head of a key: number of its organisation (32 bits), roles (16), status (8).
contract Organisations is Registry {
    /// @notice The organisation above cannot be this one: it is the organisation itself, or the root has
    /// one, or another organisation has none.
    error BadParent(bytes32 code, bytes32 parent);

    bytes32 private constant NO_CODE = keccak256("");
    uint8 private constant ENDED = 2;
    uint16 private constant ALL_ROLES = 63;

    /// @notice How many organisations are registered; the last number that was handed out. A successor of
    /// this registry must go on counting from here.
    uint32 public registered;

    /// @notice Binds the registry to its log.
    /// @param log_ The log that will have to admit this registry.
    constructor(GovernanceLog log_) Registry(log_, "GovLedger Organisations") {}

    /// @notice Registers or amends organisations. Role: AUTHORITY. The first statement of all registers the
    /// root organisation, which speaks for itself with the genesis key.
    /// @param statements The organisations.
    /// @param mandate Who speaks.
    /// @return firstIndex Leaf index of the first statement.
    function register(Organisation[] calldata statements, Mandate calldata mandate)
        external
        returns (uint64 firstIndex)
    {
        // Checks: deadline and signatures
        Record[] memory records = new Record[](statements.length);
        for (uint256 i = 0; i < statements.length; ++i) {
            Organisation calldata item = statements[i];
            records[i] = Record(item.code, item.version, 0, Statements.payload(item), item.body);
        }
        bytes32 digest;
        (digest, firstIndex) = _authorise(ORGANISATION, Statements.ORGANISATION_BATCH, records, mandate);

        // Checks and effects, one statement after the other
        for (uint256 i = 0; i < statements.length; ++i) {
            records[i].state = _nextOrganisation(statements[i], mandate);
            log.record(ORGANISATION, digest, mandate.organisation, mandate.signer, records[i]);
        }
    }

    /// @notice Grants, changes or revokes keys. Role: AUTHORITY; or HEAD, to revoke keys of its own
    /// organisation.
    /// @param statements The keys.
    /// @param mandate Who speaks.
    /// @return firstIndex Leaf index of the first statement.
    function setKeys(Key[] calldata statements, Mandate calldata mandate)
        external
        returns (uint64 firstIndex)
    {
        // Checks: deadline and signatures
        Record[] memory records = new Record[](statements.length);
        for (uint256 i = 0; i < statements.length; ++i) {
            Key calldata item = statements[i];
            records[i] = Record(_subject(item.key), item.version, 0, Statements.payload(item), item.body);
        }
        bytes32 digest;
        (digest, firstIndex) = _authorise(KEY, Statements.KEY_BATCH, records, mandate);

        // Checks and effects, one statement after the other
        for (uint256 i = 0; i < statements.length; ++i) {
            records[i].state = _nextKey(statements[i], mandate);
            log.record(KEY, digest, mandate.organisation, mandate.signer, records[i]);
        }
    }

    function _nextOrganisation(Organisation calldata item, Mandate calldata mandate)
        private
        returns (uint192)
    {
        _checkAuthority(item, mandate);
        if (item.code == NO_CODE) revert UnknownOrganisation(NO_CODE);
        (uint64 last, uint192 state) = log.heads(ORGANISATION, item.code);
        _checkVersion(ORGANISATION, item.code, item.version, last);
        uint32 number = last == 0 ? ++registered : uint32(state);

        _checkRange("level", item.level, 1, 3);
        // The root cannot be dissolved: nobody could speak for the ledger any more.
        _checkRange("status", item.status, 1, last == 0 || number == 1 ? ACTIVE : ENDED);
        bool isRoot = number == 1;
        if (item.parent == item.code || (item.parent == NO_CODE) != isRoot) {
            revert BadParent(item.code, item.parent);
        }

        uint192 parent = 0;
        if (!isRoot) {
            // Whoever is active stands below an active one.
            parent = item.status == ACTIVE ? _activeOrganisation(item.parent) : _organisation(item.parent);
        }
        return uint192(number) | (uint192(uint32(parent)) << 32) | (uint192(item.level) << 64)
            | (uint192(item.status) << 72);
    }

    /// @dev The first statement of all is the one that no registered organisation can make.
    function _checkAuthority(Organisation calldata item, Mandate calldata mandate) private view {
        bool genesis = registered == 0 && log.size() == 0 && item.code == mandate.organisation
            && mandate.signer == genesisAuthority;
        if (genesis) _checkCosigner(mandate, 1);
        else _speaker(mandate, AUTHORITY);
    }

    function _nextKey(Key calldata item, Mandate calldata mandate) private view returns (uint192) {
        bytes32 subject = _subject(item.key);
        (, uint16 held) = _speaker(mandate, AUTHORITY | HEAD);
        bool revokesOwn = item.status == ENDED && item.holder == mandate.organisation;
        if (held & AUTHORITY == 0 && !revokesOwn) {
            revert RoleMissing(mandate.signer, mandate.organisation, AUTHORITY);
        }

        (uint64 last, uint192 state) = _key(item.key);
        _checkVersion(KEY, subject, item.version, last);
        _checkRange("key", uint160(item.key), 1, type(uint160).max);
        _checkRange("status", item.status, ACTIVE, state == 0 ? ACTIVE : ENDED);
        _checkRange("roles", item.roles, item.status == ACTIVE ? 1 : 0, ALL_ROLES);

        uint32 holder = uint32(
            item.status == ACTIVE ? _activeOrganisation(item.holder) : _organisation(item.holder)
        );
        if (state != 0) {
            if (uint32(state) != holder) revert NotOwner(subject, item.holder);
            if (uint8(state >> 48) == ENDED) revert IllegalTransition(subject, ENDED, item.status);
        }
        return uint192(holder) | (uint192(item.roles) << 32) | (uint192(item.status) << 48);
    }
}
