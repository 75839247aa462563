"use strict";

const { subtask } = require("hardhat/config");
const { TASK_COMPILE_SOLIDITY_GET_SOLC_BUILD } = require("hardhat/builtin-tasks/task-names");

const VERSION = "0.8.37";

// The compiler is the one that npm installed: nothing is fetched while compiling.
subtask(TASK_COMPILE_SOLIDITY_GET_SOLC_BUILD, async ({ solcVersion }) => {
  const installed = require("solc/package.json").version;
  if (solcVersion !== VERSION || installed !== VERSION) {
    throw new Error(`solc ${VERSION} is needed: asked for ${solcVersion}, npm has ${installed}`);
  }
  return {
    compilerPath: require.resolve("solc/soljson.js"),
    isSolcJs: true,
    version: VERSION,
    longVersion: require("solc").version(),
  };
});

/** @type {import("hardhat/config").HardhatUserConfig} */
module.exports = {
  solidity: {
    version: VERSION,
    settings: {
      // OpenZeppelin 5.7 copies with MCOPY, so the chain must be at Cancun or later.
      evmVersion: "cancun",
      viaIR: true,
      optimizer: { enabled: true, runs: 1_000_000 },
      // Bytecode depends on the sources alone, not on where they lie.
      metadata: { bytecodeHash: "none", appendCBOR: false },
    },
  },
};
