// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

// Compiled with the other contracts, because every log is deployed under one.
// solhint-disable-next-line no-unused-import
import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
