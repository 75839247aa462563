// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Organisations} from "./Organisations.sol";
import {SuccessorLog} from "./SuccessorLog.sol";

/// @title Organisations of a log that carries on another one
/// @notice The rules are those of {Organisations}; only the count of organisations does not begin anew.
contract SuccessorOrganisations is Organisations {
    /// @notice Binds the registry to its log.
    /// @param log_ The log that will have to admit this registry.
    /// @param registered_ How many organisations the log carried over.
    constructor(SuccessorLog log_, uint32 registered_) Organisations(log_) {
        registered = registered_;
    }
}
