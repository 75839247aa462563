// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {GovernanceLog, Mandate, NotAdmitted, Record, StaleVersion} from "./GovernanceLog.sol";
import {MerkleFrontier} from "./MerkleFrontier.sol";

/// @notice One batch as the log before this one recorded it.
/// @param chainId Chain id of the log that recorded it first.
/// @param log Address of that log; with the chain id it is part of every leaf.
/// @param kind Kind of the statements.
/// @param authorisation The EIP-712 digest that was signed.
/// @param registry The contract that checked it there.
/// @param recordedAt Time of the block there, Unix seconds.
/// @param mandate Who spoke, with the signatures.
/// @param items The statements, in order.
struct Passage {
    uint256 chainId;
    address log;
    bytes32 kind;
    bytes32 authorisation;
    address registry;
    uint64 recordedAt;
    Mandate mandate;
    Record[] items;
}

/// @title A log that carries on where another one, on another chain, was sealed
/// @notice It is filled with the very leaves of its predecessor, so that its tree is that tree: every root
/// and every proof of the predecessor holds here. Nothing can be admitted, and so nothing be recorded,
/// before the root agreed; and the first statement of its own must be the opening, which an authority signs.
/// Who fills it can choose none of the leaves, since the root commits to them; what registries left in the
/// heads it could misstate, which is why a mirror replays their rules and compares.
contract SuccessorLog is GovernanceLog {
    using MerkleFrontier for MerkleFrontier.Tree;

    /// @notice Only the carrier may fill the log.
    error NotCarrier(address caller);
    /// @notice The history is complete: nothing more can be carried over.
    error AlreadyConcluded(uint64 size, bytes32 root);
    /// @notice The leaf that comes next is another one.
    error OutOfPlace(uint64 given, uint64 expected);
    /// @notice The leaves carried over are not the predecessor's: they have this size and root.
    error NotInherited(uint64 size, bytes32 root);
    /// @notice Time goes forwards: a statement cannot be older than the one before it, and none that is
    /// recorded from now on can be older than those that were carried over.
    error OutOfTime(uint256 recordedAt, uint256 last);
    /// @notice The history is complete from here on.
    /// @param size Number of leaves that were carried over.
    /// @param root Their root.
    event Concluded(uint64 indexed size, bytes32 root);

    bytes32 private constant OPENING = "log.opening";

    /// @notice The account that may fill the log; it has no say afterwards.
    address public immutable carrier;
    /// @notice Chain id of the predecessor.
    uint256 public immutable predecessorChainId;
    /// @notice Address of the predecessor on its chain.
    address public immutable predecessorLog;
    /// @notice Hash of block 0 of the predecessor's chain.
    bytes32 public immutable predecessorGenesis;
    /// @notice Number of leaves that were carried over; 0 before the conclusion.
    uint64 public inheritedSize;
    /// @notice Root over these leaves; 0 before the conclusion.
    bytes32 public inheritedRoot;

    uint64 private _newest;

    modifier onlyCarrier() {
        if (msg.sender != carrier) revert NotCarrier(msg.sender);
        if (inheritedSize != 0) revert AlreadyConcluded(inheritedSize, inheritedRoot);
        _;
    }

    /// @notice Opens a log that its deployer will fill.
    /// @param manager OpenZeppelin AccessManager that decides who may admit and retire.
    /// @param genesisAuthority_ The key with which the ledger began.
    /// @param chainId Chain id of the predecessor.
    /// @param log Address of the predecessor.
    /// @param genesis Hash of block 0 of its chain.
    constructor(address manager, address genesisAuthority_, uint256 chainId, address log, bytes32 genesis)
        GovernanceLog(manager, genesisAuthority_)
    {
        carrier = msg.sender;
        predecessorChainId = chainId;
        predecessorLog = log;
        predecessorGenesis = genesis;
    }

    /// @notice Appends batches of the predecessor as they were recorded there. Restricted to the carrier.
    /// @param first Leaf index of the first statement: what is sent twice, or too early, must not count.
    /// @param passages The batches, in the predecessor's order.
    function carry(uint64 first, Passage[] calldata passages) external onlyCarrier {
        MerkleFrontier.Pending memory pending = _tree.begin();
        if (first != pending.size) revert OutOfPlace(first, uint64(pending.size));

        uint64 newest = _newest;
        uint256 count = passages.length;
        for (uint256 i = 0; i < count; ++i) {
            Passage calldata passage = passages[i];
            if (passage.recordedAt < newest) revert OutOfTime(passage.recordedAt, newest);
            newest = passage.recordedAt;
            _carry(pending, passage);
        }
        _newest = newest;
        _tree.commit(pending);
    }

    /// @notice Ends the carrying over. Restricted to the carrier.
    /// @param size Number of leaves of the predecessor, which is sealed.
    /// @param expected Its root.
    function conclude(uint64 size, bytes32 expected) external onlyCarrier {
        bytes32 found = _tree.root();
        if (size == 0 || size != _tree.size || expected != found) {
            revert NotInherited(uint64(_tree.size), found);
        }
        if (block.timestamp < _newest) revert OutOfTime(block.timestamp, _newest);

        inheritedSize = size;
        inheritedRoot = found;
        emit Concluded(size, found);
    }

    function _carry(MerkleFrontier.Pending memory pending, Passage calldata passage) private {
        Mandate calldata mandate = passage.mandate;
        uint256 count = passage.items.length;
        emit Authorised(
            passage.authorisation,
            passage.registry,
            mandate.signer,
            mandate.organisation,
            mandate.signature,
            mandate.cosigner,
            mandate.cosignature,
            mandate.deadline,
            uint64(pending.size),
            uint64(count)
        );
        bytes32 open = 0;
        bytes memory leaf = bytes.concat(
            bytes1(0),
            abi.encode(
                passage.chainId,
                passage.log,
                passage.kind,
                open,
                open,
                mandate.organisation,
                mandate.signer,
                passage.authorisation
            ),
            abi.encode(passage.recordedAt, open, open)
        );
        for (uint256 i = 0; i < count; ++i) {
            _inherit(pending, leaf, passage, passage.items[i]);
        }
    }

    function _inherit(
        MerkleFrontier.Pending memory pending,
        bytes memory leaf,
        Passage calldata passage,
        Record calldata item
    ) private {
        // Checks
        mapping(bytes32 subject => uint256 word) storage ofKind = _heads[passage.kind];
        uint64 last = uint64(ofKind[item.subject] >> 192);
        if (item.version != last + 1) {
            revert StaleVersion(passage.kind, item.subject, item.version, last + 1);
        }

        // Effects
        ofKind[item.subject] = (uint256(item.version) << 192) | item.state;
        bytes32 bodyDigest = sha256(item.body);
        uint64 index = uint64(pending.size);
        bytes32 node = _leafHash(leaf, item.subject, item.version, sha256(item.payload), bodyDigest);
        _tree.append(pending, node);
        emit Recorded(
            index,
            passage.kind,
            item.subject,
            item.version,
            passage.mandate.organisation,
            passage.mandate.signer,
            passage.authorisation,
            passage.recordedAt,
            item.payload,
            bodyDigest,
            item.body
        );
    }

    /// @dev Whoever administers the log: nothing is admitted before the history is complete, and nothing
    /// but the opening before the opening is recorded.
    function _checkCanCall(address caller, bytes calldata data) internal override {
        super._checkCanCall(caller, data);
        if (bytes4(data[:4]) != this.admit.selector) return;

        (bytes32 kind, address registry) = abi.decode(data[4:], (bytes32, address));
        bool opened = _tree.size > inheritedSize;
        if (inheritedSize == 0 || (!opened && kind != OPENING)) revert NotAdmitted(kind, registry);
    }
}
