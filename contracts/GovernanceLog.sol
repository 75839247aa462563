// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";

import {MerkleFrontier} from "./MerkleFrontier.sol";

/// @notice One statement as a registry hands it over, its rules already checked.
/// @param subject What the statement is about; its versions follow one another without a gap.
/// @param version The version of the subject that this statement makes, from 1.
/// @param state 192 bits that belong to the registry and stand in the subject's head from now on.
/// @param payload The EIP-712 encoding of the typed struct, type hash first.
/// @param body Canonical JSON, published with the event; may be empty.
struct Record {
    bytes32 subject;
    uint64 version;
    uint192 state;
    bytes payload;
    bytes body;
}

/// @notice Who speaks, and the evidence for it: one for all statements of a batch.
/// @param organisation Keccak-256 of the code of the organisation that speaks.
/// @param deadline The last second, in Unix time, at which the batch may be recorded.
/// @param signer The key that signed, of that organisation; an account or an ERC-1271 contract.
/// @param signature The signer's signature over the EIP-712 digest of the batch.
/// @param cosigner The head's key where a second signature is given, otherwise zero.
/// @param cosignature The co-signer's signature over the same digest.
struct Mandate {
    bytes32 organisation;
    uint64 deadline;
    address signer;
    bytes signature;
    address cosigner;
    bytes cosignature;
}

/// @notice The statement does not carry on from the subject's last version.
error StaleVersion(bytes32 kind, bytes32 subject, uint64 given, uint64 expected);
/// @notice The registry may not write statements of this kind (never admitted, or retired).
error NotAdmitted(bytes32 kind, address registry);
/// @notice The registry may write statements of this kind already.
error AlreadyAdmitted(bytes32 kind, address registry);
/// @notice There is nothing in the batch.
error EmptyBatch();

/// @title The log: every statement of the ledger as a leaf of one append-only Merkle tree
/// @notice The only contract that keeps history. It knows nothing of rules: registries check them, and
/// only registries that the administration has admitted for a kind may write statements of that kind.
/// It keeps the frontier of an RFC 9162 tree and one word per subject, and tells everything else by event.
contract GovernanceLog is AccessManaged {
    using MerkleFrontier for MerkleFrontier.Tree;

    /// @notice One leaf. Everything that is hashed into the tree can be recomputed from this event, the
    /// chain id and this contract's address.
    /// @param index Position of the leaf, from 0.
    /// @param kind Name of the kind, ASCII padded with zeros.
    /// @param subject What the statement is about.
    /// @param version Version of the subject.
    /// @param org Keccak-256 of the code of the organisation that spoke.
    /// @param signer The key that signed for it.
    /// @param authorisation The EIP-712 digest that was signed; see {Authorised}.
    /// @param recordedAt Time of the block, Unix seconds.
    /// @param payload The EIP-712 encoding of the typed struct, type hash first.
    /// @param bodyDigest SHA-256 of the body.
    /// @param body The body.
    event Recorded(
        uint64 indexed index,
        bytes32 indexed kind,
        bytes32 indexed subject,
        uint64 version,
        bytes32 org,
        address signer,
        bytes32 authorisation,
        uint64 recordedAt,
        bytes payload,
        bytes32 bodyDigest,
        bytes body
    );

    /// @notice The evidence for the statements `firstIndex .. firstIndex + count - 1`, which follow it in
    /// the same transaction.
    /// @param authorisation The EIP-712 digest that was signed.
    /// @param registry The contract that checked it.
    /// @param signer The key that signed.
    /// @param organisation Keccak-256 of the code of the organisation that spoke.
    /// @param signature The signature over the digest.
    /// @param cosigner The head's key, or zero.
    /// @param cosignature The head's signature over the digest, or empty.
    /// @param deadline The last second at which the batch could be recorded.
    /// @param firstIndex Index of the first leaf.
    /// @param count Number of leaves.
    event Authorised(
        bytes32 indexed authorisation,
        address indexed registry,
        address indexed signer,
        bytes32 organisation,
        bytes signature,
        address cosigner,
        bytes cosignature,
        uint64 deadline,
        uint64 firstIndex,
        uint64 count
    );

    /// @notice A registry may write statements of a kind from now on.
    /// @param kind Name of the kind.
    /// @param registry The registry.
    event Admitted(bytes32 indexed kind, address indexed registry);

    /// @notice A registry may no longer write statements of a kind. What it wrote stays.
    /// @param kind Name of the kind.
    /// @param registry The registry.
    event Retired(bytes32 indexed kind, address indexed registry);

    /// @notice The key that registers the first organisation and speaks for it until a statement about
    /// the key itself says otherwise. The root of all trust in this log.
    address public immutable genesisAuthority;

    MerkleFrontier.Tree internal _tree;
    mapping(bytes32 kind => mapping(bytes32 subject => uint256 word)) internal _heads;
    mapping(bytes32 kind => mapping(address registry => bool admitted)) private _admitted;

    modifier onlyAdmitted(bytes32 kind) {
        if (!_admitted[kind][msg.sender]) revert NotAdmitted(kind, msg.sender);
        _;
    }

    /// @notice Opens an empty log.
    /// @param manager OpenZeppelin AccessManager that decides who may admit and retire, and with what delay.
    /// @param genesisAuthority_ The key that the first statement must be signed with.
    constructor(address manager, address genesisAuthority_) AccessManaged(manager) {
        genesisAuthority = genesisAuthority_;
    }

    /// @notice Lets a registry write statements of a kind. Restricted by the access manager.
    /// @param kind Name of the kind.
    /// @param registry The registry.
    function admit(bytes32 kind, address registry) external restricted {
        if (_admitted[kind][registry]) revert AlreadyAdmitted(kind, registry);

        _admitted[kind][registry] = true;
        emit Admitted(kind, registry);
    }

    /// @notice Takes that right away again. Restricted by the access manager.
    /// @param kind Name of the kind.
    /// @param registry The registry.
    function retire(bytes32 kind, address registry) external restricted {
        if (!_admitted[kind][registry]) revert NotAdmitted(kind, registry);

        _admitted[kind][registry] = false;
        emit Retired(kind, registry);
    }

    /// @notice Publishes the evidence for the statements that the registry records next.
    /// @param kind Kind of the statements.
    /// @param authorisation The EIP-712 digest that was signed.
    /// @param count How many statements follow.
    /// @param mandate Who spoke, with the signatures that the registry has checked.
    /// @return firstIndex Index of the first statement that follows.
    function authorise(bytes32 kind, bytes32 authorisation, uint64 count, Mandate calldata mandate)
        external
        onlyAdmitted(kind)
        returns (uint64 firstIndex)
    {
        firstIndex = uint64(_tree.size);
        emit Authorised(
            authorisation,
            msg.sender,
            mandate.signer,
            mandate.organisation,
            mandate.signature,
            mandate.cosigner,
            mandate.cosignature,
            mandate.deadline,
            firstIndex,
            count
        );
    }

    /// @notice Records one statement. Its version must be the subject's last version plus one.
    /// @param kind Kind of the statement.
    /// @param authorisation The EIP-712 digest that was signed.
    /// @param org Keccak-256 of the code of the organisation that speaks.
    /// @param signer The key that signed.
    /// @param item The statement.
    /// @return index Its leaf index.
    function record(bytes32 kind, bytes32 authorisation, bytes32 org, address signer, Record calldata item)
        external
        onlyAdmitted(kind)
        returns (uint64 index)
    {
        MerkleFrontier.Pending memory pending = _tree.begin();
        index = uint64(pending.size);

        bytes memory leaf = _leafInput(kind, authorisation, org, signer);
        _append(pending, leaf, kind, authorisation, org, signer, item);
        _tree.commit(pending);
    }

    /// @notice Records statements of one kind under one authorisation. The frontier stays in memory
    /// meanwhile and is written once.
    /// @param kind Kind of the statements.
    /// @param authorisation The EIP-712 digest that was signed.
    /// @param org Keccak-256 of the code of the organisation that speaks.
    /// @param signer The key that signed.
    /// @param items The statements, in order.
    /// @return firstIndex Leaf index of the first of them.
    function recordMany(
        bytes32 kind,
        bytes32 authorisation,
        bytes32 org,
        address signer,
        Record[] calldata items
    ) external onlyAdmitted(kind) returns (uint64 firstIndex) {
        uint256 count = items.length;
        if (count == 0) revert EmptyBatch();

        MerkleFrontier.Pending memory pending = _tree.begin();
        firstIndex = uint64(pending.size);

        bytes memory leaf = _leafInput(kind, authorisation, org, signer);
        for (uint256 i = 0; i < count; ++i) {
            _append(pending, leaf, kind, authorisation, org, signer, items[i]);
        }
        _tree.commit(pending);
    }

    /// @notice Number of statements.
    /// @return Number of leaves of the tree.
    function size() external view returns (uint64) {
        return uint64(_tree.size);
    }

    /// @notice Merkle Tree Hash over all statements (RFC 9162, section 2.1.1).
    /// @return The root; SHA-256 of the empty string while there is no statement.
    function root() external view returns (bytes32) {
        return _tree.root();
    }

    /// @notice Whether a registry may write statements of a kind.
    /// @param kind Name of the kind.
    /// @param registry The registry.
    /// @return True from admission to retirement.
    function admitted(bytes32 kind, address registry) external view returns (bool) {
        return _admitted[kind][registry];
    }

    /// @notice Where a subject stands.
    /// @param kind Kind of the subject.
    /// @param subject The subject.
    /// @return version Its last version, 0 where there is none.
    /// @return state The 192 bits that its registry left with that version.
    function heads(bytes32 kind, bytes32 subject) external view returns (uint64 version, uint192 state) {
        uint256 word = _heads[kind][subject];
        return (uint64(word >> 192), uint192(word));
    }

    /// @notice Where many subjects stand.
    /// @param kind Kind of the subjects.
    /// @param subjects The subjects.
    /// @return words For each of them `version << 192 | state`, in the same order.
    function headsMany(bytes32 kind, bytes32[] calldata subjects)
        external
        view
        returns (uint256[] memory words)
    {
        mapping(bytes32 subject => uint256 word) storage ofKind = _heads[kind];
        words = new uint256[](subjects.length);
        for (uint256 i = 0; i < subjects.length; ++i) {
            words[i] = ofKind[subjects[i]];
        }
    }

    function _append(
        MerkleFrontier.Pending memory pending,
        bytes memory leaf,
        bytes32 kind,
        bytes32 authorisation,
        bytes32 org,
        address signer,
        Record calldata item
    ) private {
        // Checks
        bytes32 subject = item.subject;
        uint64 version = item.version;
        mapping(bytes32 subject => uint256 word) storage ofKind = _heads[kind];
        uint64 last = uint64(ofKind[subject] >> 192);
        if (version != last + 1) revert StaleVersion(kind, subject, version, last + 1);

        // Effects
        ofKind[subject] = (uint256(version) << 192) | item.state;
        bytes calldata payload = item.payload;
        bytes calldata body = item.body;
        bytes32 bodyDigest = sha256(body);
        uint64 index = uint64(pending.size);
        _tree.append(pending, _leafHash(leaf, subject, version, sha256(payload), bodyDigest));
        emit Recorded(
            index,
            kind,
            subject,
            version,
            org,
            signer,
            authorisation,
            uint64(block.timestamp),
            payload,
            bodyDigest,
            body
        );
    }

    /// @dev 0x00, then eleven words; those of the single statement are filled in by {_leafHash}.
    function _leafInput(bytes32 kind, bytes32 authorisation, bytes32 org, address signer)
        private
        view
        returns (bytes memory)
    {
        bytes32 open = 0;
        return bytes.concat(
            bytes1(0),
            abi.encode(block.chainid, address(this), kind, open, open, org, signer, authorisation),
            abi.encode(block.timestamp, open, open)
        );
    }

    /// @dev Fills in the words 3, 4, 9 and 10 of the leaf input and hashes all 353 bytes.
    function _leafHash(
        bytes memory leaf,
        bytes32 subject,
        uint256 version,
        bytes32 payloadDigest,
        bytes32 bodyDigest
    ) internal view returns (bytes32 digest) {
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            let input := add(leaf, 32)
            mstore(add(input, 97), subject)
            mstore(add(input, 129), version)
            mstore(add(input, 289), payloadDigest)
            mstore(add(input, 321), bodyDigest)
            if iszero(staticcall(gas(), 2, input, 353, 0, 32)) {
                revert(0, 0)
            }
            digest := mload(0)
        }
    }
}
