// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Delivery, DeliveryStatements, Manifest, Resource} from "./DeliveryStatements.sol";
import {GovernanceLog, Mandate, Record} from "./GovernanceLog.sol";
import {MemberFixed, UnknownEdition, UnknownEntry} from "./Refusals.sol";
import {Registry} from "./Registry.sol";

/// @title Deliveries: what departments hold, and what the collector received
/// @notice The owner of a catalogue entry mounts resources and signs manifests, one subject for each entry
/// and period; a COLLECTOR records deliveries, one chain for each entry, each naming the root of the one
/// before. A subject stands at most once in a batch.
/// Head of a resource: owner's number (32 bits), status, type (8 each), first 64 bits of the entry.
/// Head of a manifest: rows (64 bits), first 128 bits of the root.
/// Head of a delivery: first 128 bits of the root, last day of its period (32), manifest's version (32).
contract Deliveries is Registry {
    /// @notice The entry's period has manifests of versions 1 to `latest` only.
    error UnknownManifest(bytes32 entry, uint64 given, uint64 latest);
    /// @notice The delivery does not carry on from the entry's last one (first 128 bits of the roots).
    error WrongPredecessor(bytes32 entry, bytes16 given, bytes16 expected);
    /// @notice A table without rows has the root of the empty tree (SHA-256 of nothing), and no other has.
    error WrongRoot(bytes32 entry, uint64 rows, bytes32 root);

    bytes32 private constant ENTRY = "catalogue.entry";
    bytes32 private constant RESOURCE = "delivery.resource";
    bytes32 private constant MANIFEST = "delivery.manifest";
    bytes32 private constant DELIVERY = "delivery";
    uint8 private constant API = 3;
    uint8 private constant CLOSED = 2;
    uint8 private constant INCREMENT = 2;
    bytes32 private constant EMPTY_ROOT = sha256("");

    /// @notice Binds the registry to its log.
    /// @param log_ The log that will have to admit this registry.
    constructor(GovernanceLog log_) Registry(log_, "GovLedger Deliveries") {}

    /// @notice Mounts, amends or closes resources. Role: STEWARD of the entry's owner.
    /// @param statements The resources.
    /// @param mandate Who speaks.
    /// @return firstIndex Leaf index of the first statement.
    function mount(Resource[] calldata statements, Mandate calldata mandate)
        external
        returns (uint64 firstIndex)
    {
        // Checks
        (uint32 number,) = _speaker(mandate, STEWARD);
        uint256 count = statements.length;
        bytes32[] memory subjects = new bytes32[](count);
        bytes32[] memory entries = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            subjects[i] = statements[i].code;
            entries[i] = statements[i].entry;
        }
        uint256[] memory words = log.headsMany(RESOURCE, subjects);
        uint256[] memory entryWords = log.headsMany(ENTRY, entries);
        Record[] memory records = new Record[](count);
        for (uint256 i = 0; i < count; ++i) {
            Resource calldata item = statements[i];
            _checkOwner(item.entry, entryWords[i], number, mandate.organisation);
            uint192 state = _mounted(item, words[i], number);
            bytes memory payload = DeliveryStatements.payload(item);
            records[i] = Record(item.code, item.version, state, payload, item.body);
        }

        // Effects
        return _recordMany(RESOURCE, DeliveryStatements.RESOURCE_BATCH, records, mandate);
    }

    /// @notice Records manifests. Role: STEWARD of the entry's owner.
    /// @param statements The manifests.
    /// @param mandate Who speaks.
    /// @return firstIndex Leaf index of the first statement.
    function manifest(Manifest[] calldata statements, Mandate calldata mandate)
        external
        returns (uint64 firstIndex)
    {
        // Checks
        (uint32 number,) = _speaker(mandate, STEWARD);
        uint256 count = statements.length;
        bytes32[] memory subjects = new bytes32[](count);
        bytes32[] memory entries = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            Manifest calldata item = statements[i];
            subjects[i] = keccak256(abi.encode(item.entry, item.periodStart, item.periodEnd));
            entries[i] = item.entry;
        }
        uint256[] memory words = log.headsMany(MANIFEST, subjects);
        uint256[] memory entryWords = log.headsMany(ENTRY, entries);
        Record[] memory records = new Record[](count);
        for (uint256 i = 0; i < count; ++i) {
            Manifest calldata item = statements[i];
            _checkOwner(item.entry, entryWords[i], number, mandate.organisation);
            _checkVersion(MANIFEST, subjects[i], item.version, uint64(words[i] >> 192));
            _checkEdition(item.entry, item.edition, entryWords[i]);
            _checkPeriod(item.periodStart, item.periodEnd);
            _checkRange("mode", item.mode, 1, INCREMENT);
            _checkRows(item.entry, item.rows, item.schema, item.root);
            _checkRange("buckets", uint256(item.buckets), 1, type(uint256).max);
            uint192 state = uint192(item.rows) | (uint192(uint128(bytes16(item.root))) << 64);
            bytes memory payload = DeliveryStatements.payload(item);
            records[i] = Record(subjects[i], item.version, state, payload, item.body);
        }

        // Effects
        return _recordMany(MANIFEST, DeliveryStatements.MANIFEST_BATCH, records, mandate);
    }

    /// @notice Records deliveries. Role: COLLECTOR, of any organisation.
    /// @param statements The deliveries.
    /// @param mandate Who speaks.
    /// @return firstIndex Leaf index of the first statement.
    function deliver(Delivery[] calldata statements, Mandate calldata mandate)
        external
        returns (uint64 firstIndex)
    {
        // Checks
        _speaker(mandate, COLLECTOR);
        uint256 count = statements.length;
        bytes32[] memory entries = new bytes32[](count);
        bytes32[] memory manifests = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            Delivery calldata item = statements[i];
            entries[i] = item.entry;
            manifests[i] = keccak256(abi.encode(item.entry, item.periodStart, item.periodEnd));
        }
        uint256[] memory words = log.headsMany(DELIVERY, entries);
        uint256[] memory entryWords = log.headsMany(ENTRY, entries);
        uint256[] memory manifestWords = log.headsMany(MANIFEST, manifests);
        Record[] memory records = new Record[](count);
        for (uint256 i = 0; i < count; ++i) {
            Delivery calldata item = statements[i];
            if (entryWords[i] == 0) revert UnknownEntry(item.entry);
            _checkEdition(item.entry, item.edition, entryWords[i]);
            uint64 latest = uint64(manifestWords[i] >> 192);
            if (item.manifest > latest) revert UnknownManifest(item.entry, item.manifest, latest);
            uint192 state = _delivered(item, words[i]);
            bytes memory payload = DeliveryStatements.payload(item);
            records[i] = Record(item.entry, item.version, state, payload, item.body);
        }

        // Effects
        return _recordMany(DELIVERY, DeliveryStatements.DELIVERY_BATCH, records, mandate);
    }

    function _mounted(Resource calldata item, uint256 word, uint32 number)
        private
        pure
        returns (uint192)
    {
        _checkVersion(RESOURCE, item.code, item.version, uint64(word >> 192));
        _checkRange("type", item.type_, 1, API);
        _checkRange("status", item.status, 1, word == 0 ? ACTIVE : CLOSED);
        uint64 entry = uint64(bytes8(item.entry));
        if (word != 0) {
            if (uint64(word >> 48) != entry) revert MemberFixed(item.code, "entry");
            if (uint8(word >> 40) != item.type_) revert MemberFixed(item.code, "type");
        }
        return uint192(number) | (uint192(item.status) << 32) | (uint192(item.type_) << 40)
            | (uint192(entry) << 48);
    }

    function _delivered(Delivery calldata item, uint256 word) private pure returns (uint192) {
        _checkVersion(DELIVERY, item.entry, item.version, uint64(word >> 192));
        bytes16 expected = bytes16(uint128(word));
        bytes16 given = bytes16(item.predecessor);
        // The first one follows nothing at all, not even half a root.
        bool carriesOn = word == 0 ? item.predecessor == 0 : given == expected;
        if (!carriesOn) revert WrongPredecessor(item.entry, given, expected);
        _checkPeriod(item.periodStart, item.periodEnd);
        _checkRange("mode", item.mode, 1, INCREMENT);
        _checkRows(item.entry, item.rows, item.schema, item.root);
        return uint192(uint128(bytes16(item.root))) | (uint192(item.periodEnd) << 128)
            | (uint192(uint32(item.manifest)) << 160);
    }

    function _checkOwner(bytes32 entry, uint256 entryWord, uint32 number, bytes32 organisation) private pure {
        if (entryWord == 0) revert UnknownEntry(entry);
        if (uint32(entryWord) != number) revert NotOwner(entry, organisation);
    }

    function _checkEdition(bytes32 entry, uint32 edition, uint256 entryWord) private pure {
        uint32 latest = uint32(entryWord >> 32);
        if (edition == 0 || edition > latest) revert UnknownEdition(entry, edition, latest);
    }

    function _checkPeriod(uint32 start, uint32 end) private pure {
        _checkDay("periodStart", start);
        _checkDay("periodEnd", end);
        _checkRange("periodStart", start, 0, end);
    }

    function _checkRows(bytes32 entry, uint64 rows, bytes32 schema, bytes32 root) private pure {
        if (root == 0 || (rows == 0) != (root == EMPTY_ROOT)) revert WrongRoot(entry, rows, root);
        if (rows != 0) _checkRange("schema", uint256(schema), 1, type(uint256).max);
    }
}
