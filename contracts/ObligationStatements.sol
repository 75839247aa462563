// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Statements} from "./Statements.sol";

/// @notice An obligation to collect as it is from this version on.
/// @param code Keccak-256 of its code.
/// @param version 1 to impose it, then one more with each amendment.
/// @param type_ 1 duty, 2 system, 3 table, 4 expected entry; never changes.
/// @param parent Keccak-256 of the code of the obligation above; of "" for a duty alone.
/// @param responsible Keccak-256 of the code of the organisation that must fulfil it.
/// @param status 1 in force, 2 withdrawn.
/// @param updateCycle 1 real time to 9 other, 0 not stated.
/// @param library_ 1 comprehensive, 2 theme, 3 special-purpose, 4 department, 0 not stated.
/// @param validFrom First day, YYYYMMDD.
/// @param validUntil Last day, YYYYMMDD, or 0.
/// @param body Canonical JSON: names, legal basis, reasons.
struct Obligation {
    bytes32 code;
    uint64 version;
    uint8 type_;
    bytes32 parent;
    bytes32 responsible;
    uint8 status;
    uint8 updateCycle;
    uint8 library_;
    uint32 validFrom;
    uint32 validUntil;
    bytes body;
}

/// @notice Which catalogue entry answers an obligation.
/// @param obligation Keccak-256 of the obligation's code.
/// @param version Version of the binding.
/// @param entry Keccak-256 of the entry's code.
/// @param status 1 bound, 2 released.
/// @param body Canonical JSON: both codes, reasons.
struct Binding {
    bytes32 obligation;
    uint64 version;
    bytes32 entry;
    uint8 status;
    bytes body;
}

/// @notice An objection to an obligation, or the answer to it.
/// @param obligation Keccak-256 of the obligation's code.
/// @param version Version of the objection, objections and answers counted alike.
/// @param state 1 raised, 2 upheld, 3 dismissed.
/// @param body Canonical JSON: the reasons.
struct Objection {
    bytes32 obligation;
    uint64 version;
    uint8 state;
    bytes body;
}

/// @notice An exemption of an obligation or a catalogue entry, for a time.
/// @param code Keccak-256 of its code.
/// @param version 1 to grant it, then one more with each change.
/// @param target Keccak-256 of the code of what it exempts; never changes.
/// @param targetType 1 obligation, 2 catalogue entry; never changes.
/// @param scope Bit mask: 1 catalogue, 2 collect, 4 update, 8 quality, 16 share.
/// @param status 1 granted, 2 withdrawn.
/// @param validFrom First day, YYYYMMDD.
/// @param expires Last day, YYYYMMDD.
/// @param body Canonical JSON: law, approver, reasons.
struct Exemption {
    bytes32 code;
    uint64 version;
    bytes32 target;
    uint8 targetType;
    uint8 scope;
    uint8 status;
    uint32 validFrom;
    uint32 expires;
    bytes body;
}

/// @title The typed structs about obligations
/// @notice Encoded as {Statements} explains.
library ObligationStatements {
    bytes32 internal constant OBLIGATION_BATCH = keccak256(
        "ObligationBatch(string organisation,uint64 deadline,Obligation[] statements)"
        "Obligation(string code,uint64 version,uint8 type,string parent,string responsible,uint8 status,"
        "uint8 updateCycle,uint8 library,uint32 validFrom,uint32 validUntil,bytes32 bodyDigest)"
    );
    bytes32 internal constant BINDING_BATCH = keccak256(
        "BindingBatch(string organisation,uint64 deadline,Binding[] statements)"
        "Binding(string obligation,uint64 version,string entry,uint8 status,bytes32 bodyDigest)"
    );
    bytes32 internal constant OBJECTION_BATCH = keccak256(
        "ObjectionBatch(string organisation,uint64 deadline,Objection[] statements)"
        "Objection(string obligation,uint64 version,uint8 state,bytes32 bodyDigest)"
    );
    bytes32 internal constant EXEMPTION_BATCH = keccak256(
        "ExemptionBatch(string organisation,uint64 deadline,Exemption[] statements)"
        "Exemption(string code,uint64 version,string target,uint8 targetType,uint8 scope,uint8 status,"
        "uint32 validFrom,uint32 expires,bytes32 bodyDigest)"
    );

    bytes32 private constant OBLIGATION = keccak256(
        "Obligation(string code,uint64 version,uint8 type,string parent,string responsible,uint8 status,"
        "uint8 updateCycle,uint8 library,uint32 validFrom,uint32 validUntil,bytes32 bodyDigest)"
    );
    bytes32 private constant BINDING =
        keccak256("Binding(string obligation,uint64 version,string entry,uint8 status,bytes32 bodyDigest)");
    bytes32 private constant OBJECTION =
        keccak256("Objection(string obligation,uint64 version,uint8 state,bytes32 bodyDigest)");
    bytes32 private constant EXEMPTION = keccak256(
        "Exemption(string code,uint64 version,string target,uint8 targetType,uint8 scope,uint8 status,"
        "uint32 validFrom,uint32 expires,bytes32 bodyDigest)"
    );

    function payload(Obligation calldata item) internal pure returns (bytes memory) {
        return abi.encode(
            OBLIGATION,
            item.code,
            item.version,
            item.type_,
            item.parent,
            item.responsible,
            item.status,
            item.updateCycle,
            item.library_,
            item.validFrom,
            item.validUntil,
            Statements.bodyDigest(item.body)
        );
    }

    function payload(Binding calldata item) internal pure returns (bytes memory) {
        return abi.encode(
            BINDING,
            item.obligation,
            item.version,
            item.entry,
            item.status,
            Statements.bodyDigest(item.body)
        );
    }

    function payload(Objection calldata item) internal pure returns (bytes memory) {
        return abi.encode(
            OBJECTION, item.obligation, item.version, item.state, Statements.bodyDigest(item.body)
        );
    }

    function payload(Exemption calldata item) internal pure returns (bytes memory) {
        return abi.encode(
            EXEMPTION,
            item.code,
            item.version,
            item.target,
            item.targetType,
            item.scope,
            item.status,
            item.validFrom,
            item.expires,
            Statements.bodyDigest(item.body)
        );
    }
}
