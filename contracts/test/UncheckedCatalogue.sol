// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Catalogue} from "../Catalogue.sol";
import {GovernanceLog} from "../GovernanceLog.sol";

/// @title A catalogue that lies: any bytes pass for a signature
/// @notice For tests of verification alone. It has the same interface, domain and rules as the real one.
contract UncheckedCatalogue is Catalogue {
    /// @notice Binds the registry to its log.
    /// @param log_ The log that was talked into admitting it.
    constructor(GovernanceLog log_) Catalogue(log_) {}

    /// @dev Whatever was given as a signature will do: that is the fault to be found.
    // solhint-disable-next-line no-empty-blocks
    function _checkSignature(address, bytes32, bytes calldata) internal pure override {}
}
