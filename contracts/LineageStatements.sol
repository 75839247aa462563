// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Statements} from "./Statements.sol";

/// @notice Which data sets belong to which catalogue entry, as a rule over their names.
/// @param code Keccak-256 of the rule's code.
/// @param version Version of the rule.
/// @param holder Keccak-256 of the code of the organisation whose data sets they are; never changes.
/// @param status 1 active, 2 withdrawn.
/// @param body Canonical JSON: the patterns and the entries.
struct DatasetRule {
    bytes32 code;
    uint64 version;
    bytes32 holder;
    uint8 status;
    bytes body;
}

/// @notice A step of processing that a steward declares.
/// @param code Keccak-256 of the step's code.
/// @param version Version of the step.
/// @param status 1 active, 2 withdrawn.
/// @param body Canonical JSON: inputs, outputs, what is done to them.
struct Step {
    bytes32 code;
    uint64 version;
    uint8 status;
    bytes body;
}

/// @title Statements about lineage as EIP-712 sees them
/// @notice Payloads and type hashes, as {Statements} has them.
library LineageStatements {
    bytes32 internal constant DATASET_RULE_BATCH = keccak256(
        "DatasetRuleBatch(string organisation,uint64 deadline,DatasetRule[] statements)"
        "DatasetRule(string code,uint64 version,string holder,uint8 status,bytes32 bodyDigest)"
    );
    bytes32 internal constant STEP_BATCH = keccak256(
        "StepBatch(string organisation,uint64 deadline,Step[] statements)"
        "Step(string code,uint64 version,uint8 status,bytes32 bodyDigest)"
    );

    bytes32 private constant DATASET_RULE =
        keccak256("DatasetRule(string code,uint64 version,string holder,uint8 status,bytes32 bodyDigest)");
    bytes32 private constant STEP =
        keccak256("Step(string code,uint64 version,uint8 status,bytes32 bodyDigest)");

    function payload(DatasetRule calldata item) internal pure returns (bytes memory) {
        return abi.encode(
            DATASET_RULE,
            item.code,
            item.version,
            item.holder,
            item.status,
            Statements.bodyDigest(item.body)
        );
    }

    function payload(Step calldata item) internal pure returns (bytes memory) {
        return abi.encode(STEP, item.code, item.version, item.status, Statements.bodyDigest(item.body));
    }
}
