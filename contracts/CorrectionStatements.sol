// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Statements} from "./Statements.sol";

/// @notice A step in the life of a correction request.
/// @param code Keccak-256 of the request's code.
/// @param version Version of the request: one more with each step.
/// @param state 1 filed, 2 being handled, 3 rejected, 4 handled, 5 evaluated, 6 cancelled.
/// @param type_ 1 directory, 2 resource, 3 use of data, 4 other; never changes.
/// @param entry Keccak-256 of the code of the entry that is to be corrected; never changes.
/// @param body Canonical JSON: description, reasons, answer or evaluation.
struct Correction {
    bytes32 code;
    uint64 version;
    uint8 state;
    uint8 type_;
    bytes32 entry;
    bytes body;
}

/// @title Correction requests as EIP-712 sees them
/// @notice Payloads and type hashes, as {Statements} has them.
library CorrectionStatements {
    bytes32 internal constant CORRECTION_BATCH = keccak256(
        "CorrectionBatch(string organisation,uint64 deadline,Correction[] statements)"
        "Correction(string code,uint64 version,uint8 state,uint8 type,string entry,bytes32 bodyDigest)"
    );
    bytes32 private constant CORRECTION = keccak256(
        "Correction(string code,uint64 version,uint8 state,uint8 type,string entry,bytes32 bodyDigest)"
    );

    function payload(Correction calldata item) internal pure returns (bytes memory) {
        return abi.encode(
            CORRECTION,
            item.code,
            item.version,
            item.state,
            item.type_,
            item.entry,
            Statements.bodyDigest(item.body)
        );
    }
}
