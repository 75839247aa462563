// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The seal of a log that another one carries on
/// @notice A log under this authority takes orders from nobody: nothing can ever be admitted to it again,
/// and the authority itself cannot be replaced, since only an authority can do that and this one cannot
/// call. Once every registry is retired, no statement can follow.
contract Seal {
    /// @notice Chain id of the log that carries on.
    uint256 public immutable successorChainId;
    /// @notice Address of the log that carries on.
    address public immutable successorLog;

    /// @notice Names the log that carries on.
    /// @param chainId Its chain id.
    /// @param log Its address.
    constructor(uint256 chainId, address log) {
        successorChainId = chainId;
        successorLog = log;
    }

    /// @notice What OpenZeppelin's AccessManaged asks its authority: whether a caller may call a function.
    /// @return Never.
    function canCall(address, address, bytes4) external pure returns (bool) {
        return false;
    }
}
