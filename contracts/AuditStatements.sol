// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Statements} from "./Statements.sol";

/// @notice An audit report: what it says, and the tree that it was computed from.
/// @param code Keccak-256 of its code.
/// @param version 1 to publish it, then one more with each revision.
/// @param type_ 1 completeness, 2 quality, 3 lineage.
/// @param scope Keccak-256 of the canonical JSON text of its scope.
/// @param size Size of the log that it was computed at.
/// @param root Root of the log at that size.
/// @param numerator Numerator of its main rate.
/// @param denominator Denominator of its main rate.
/// @param report SHA-256 of the report.
/// @param body Canonical JSON: scope, metric, note.
struct Report {
    bytes32 code;
    uint64 version;
    uint8 type_;
    bytes32 scope;
    uint64 size;
    bytes32 root;
    uint64 numerator;
    uint64 denominator;
    bytes32 report;
    bytes body;
}

/// @title The typed struct of audit reports
/// @notice Encoded as {Statements} explains.
library AuditStatements {
    bytes32 internal constant REPORT_BATCH = keccak256(
        "ReportBatch(string organisation,uint64 deadline,Report[] statements)"
        "Report(string code,uint64 version,uint8 type,string scope,uint64 size,bytes32 root,uint64 numerator,"
        "uint64 denominator,bytes32 report,bytes32 bodyDigest)"
    );

    bytes32 private constant REPORT = keccak256(
        "Report(string code,uint64 version,uint8 type,string scope,uint64 size,bytes32 root,uint64 numerator,"
        "uint64 denominator,bytes32 report,bytes32 bodyDigest)"
    );

    function payload(Report calldata item) internal pure returns (bytes memory) {
        return abi.encode(
            REPORT,
            item.code,
            item.version,
            item.type_,
            item.scope,
            item.size,
            item.root,
            item.numerator,
            item.denominator,
            item.report,
            Statements.bodyDigest(item.body)
        );
    }
}
