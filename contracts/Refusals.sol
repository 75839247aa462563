// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice No catalogue entry is filed under this code.
error UnknownEntry(bytes32 code);
/// @notice The entry has editions from 1 to `latest` only.
error UnknownEdition(bytes32 code, uint32 given, uint32 latest);
/// @notice What is taken back, refused or objected to needs reasons in the body.
error ReasonsMissing(bytes32 subject);
/// @notice The member (ASCII name) of the subject cannot change any more.
error MemberFixed(bytes32 subject, bytes32 member);
