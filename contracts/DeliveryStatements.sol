// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Statements} from "./Statements.sol";

/// @notice A resource that its owner mounts on a catalogue entry.
/// @param code Keccak-256 of its code.
/// @param version 1 to mount it, then one more with each change.
/// @param entry Keccak-256 of the entry's code; never changes.
/// @param type_ 1 table, 2 file, 3 service interface; never changes.
/// @param status 1 live, 2 closed.
/// @param body Canonical JSON: name, location.
struct Resource {
    bytes32 code;
    uint64 version;
    bytes32 entry;
    uint8 type_;
    uint8 status;
    bytes body;
}

/// @notice What a department holds for a period, signed before it is collected.
/// @param entry Keccak-256 of the entry's code.
/// @param version Version of the manifest.
/// @param edition Edition of the entry that the data follow.
/// @param periodStart First day, YYYYMMDD.
/// @param periodEnd Last day, YYYYMMDD.
/// @param mode 1 full, 2 increment.
/// @param rows How many rows.
/// @param schema SHA-256 of the record schema.
/// @param root Root of the tree over the rows.
/// @param buckets SHA-256 of the bucket fingerprints.
/// @param body Canonical JSON: schema, key, fingerprints.
struct Manifest {
    bytes32 entry;
    uint64 version;
    uint32 edition;
    uint32 periodStart;
    uint32 periodEnd;
    uint8 mode;
    uint64 rows;
    bytes32 schema;
    bytes32 root;
    bytes32 buckets;
    bytes body;
}

/// @notice What the collector received, recomputed from what arrived.
/// @param entry Keccak-256 of the entry's code.
/// @param version Number of the delivery.
/// @param manifest Version of the period's manifest that it answers, or 0.
/// @param edition Edition of the entry that the data follow.
/// @param periodStart First day, YYYYMMDD.
/// @param periodEnd Last day, YYYYMMDD.
/// @param mode 1 full, 2 increment.
/// @param rows How many rows.
/// @param schema SHA-256 of the record schema.
/// @param root Root of the tree over the rows.
/// @param content The collector's keyed tag of the rows: equal tags mean equal rows.
/// @param predecessor Root of the entry's delivery before; zero for the first.
/// @param body Canonical JSON: outcome and differences.
struct Delivery {
    bytes32 entry;
    uint64 version;
    uint64 manifest;
    uint32 edition;
    uint32 periodStart;
    uint32 periodEnd;
    uint8 mode;
    uint64 rows;
    bytes32 schema;
    bytes32 root;
    bytes32 content;
    bytes32 predecessor;
    bytes body;
}

/// @title The typed structs about what is collected
/// @notice Encoded as {Statements} explains.
library DeliveryStatements {
    bytes32 internal constant RESOURCE_BATCH = keccak256(
        "ResourceBatch(string organisation,uint64 deadline,Resource[] statements)"
        "Resource(string code,uint64 version,string entry,uint8 type,uint8 status,bytes32 bodyDigest)"
    );
    bytes32 internal constant MANIFEST_BATCH = keccak256(
        "ManifestBatch(string organisation,uint64 deadline,Manifest[] statements)"
        "Manifest(string entry,uint64 version,uint32 edition,uint32 periodStart,uint32 periodEnd,uint8 mode,"
        "uint64 rows,bytes32 schema,bytes32 root,bytes32 buckets,bytes32 bodyDigest)"
    );
    bytes32 internal constant DELIVERY_BATCH = keccak256(
        "DeliveryBatch(string organisation,uint64 deadline,Delivery[] statements)"
        "Delivery(string entry,uint64 version,uint64 manifest,uint32 edition,uint32 periodStart,"
        "uint32 periodEnd,uint8 mode,uint64 rows,bytes32 schema,bytes32 root,bytes32 content,"
        "bytes32 predecessor,bytes32 bodyDigest)"
    );

    bytes32 private constant RESOURCE = keccak256(
        "Resource(string code,uint64 version,string entry,uint8 type,uint8 status,bytes32 bodyDigest)"
    );
    bytes32 private constant MANIFEST = keccak256(
        "Manifest(string entry,uint64 version,uint32 edition,uint32 periodStart,uint32 periodEnd,uint8 mode,"
        "uint64 rows,bytes32 schema,bytes32 root,bytes32 buckets,bytes32 bodyDigest)"
    );
    bytes32 private constant DELIVERY = keccak256(
        "Delivery(string entry,uint64 version,uint64 manifest,uint32 edition,uint32 periodStart,"
        "uint32 periodEnd,uint8 mode,uint64 rows,bytes32 schema,bytes32 root,bytes32 content,"
        "bytes32 predecessor,bytes32 bodyDigest)"
    );

    function payload(Resource calldata item) internal pure returns (bytes memory) {
        return abi.encode(
            RESOURCE,
            item.code,
            item.version,
            item.entry,
            item.type_,
            item.status,
            Statements.bodyDigest(item.body)
        );
    }

    function payload(Manifest calldata item) internal pure returns (bytes memory) {
        return abi.encode(
            MANIFEST,
            item.entry,
            item.version,
            item.edition,
            item.periodStart,
            item.periodEnd,
            item.mode,
            item.rows,
            item.schema,
            item.root,
            item.buckets,
            Statements.bodyDigest(item.body)
        );
    }

    function payload(Delivery calldata item) internal pure returns (bytes memory) {
        // In two halves: one expression of fourteen members is too deep for the stack.
        return bytes.concat(
            abi.encode(
                DELIVERY,
                item.entry,
                item.version,
                item.manifest,
                item.edition,
                item.periodStart,
                item.periodEnd
            ),
            abi.encode(
                item.mode,
                item.rows,
                item.schema,
                item.root,
                item.content,
                item.predecessor,
                Statements.bodyDigest(item.body)
            )
        );
    }
}
