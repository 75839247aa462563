// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice An organisation as it is from this version on.
/// @param code Keccak-256 of its code.
/// @param version 1 to register, then one more with each amendment.
/// @param parent Keccak-256 of the code of the organisation above; of "" for the root alone.
/// @param level 1 city, 2 district, 3 town.
/// @param status 1 active, 2 dissolved.
/// @param body Canonical JSON: names and the like.
struct Organisation {
    bytes32 code;
    uint64 version;
    bytes32 parent;
    uint8 level;
    uint8 status;
    bytes body;
}

/// @notice A key as it is from this version on.
/// @param key The account or ERC-1271 contract.
/// @param version 1 to grant, then one more with each change.
/// @param holder Keccak-256 of the code of its organisation; never changes.
/// @param roles Bit mask: 1 STEWARD, 2 HEAD, 4 AUTHORITY, 8 COLLECTOR, 16 ASSESSOR, 32 AUDITOR.
/// @param status 1 active, 2 revoked for good.
/// @param body Canonical JSON: label and reason.
struct Key {
    address key;
    uint64 version;
    bytes32 holder;
    uint16 roles;
    uint8 status;
    bytes body;
}

/// @notice An entry as its owner files it. Members that a draft leaves open are 0.
/// @param code Keccak-256 of the entry's code.
/// @param version Version of the entry, filings and decisions counted alike.
/// @param state 1 draft, 2 submitted.
/// @param shareType 1 unconditional, 2 conditional, 3 not shared.
/// @param openType 1 unconditional, 2 conditional, 3 not open.
/// @param grade Security grade, 1 to 4.
/// @param updateCycle 1 real time to 9 other.
/// @param library_ 1 comprehensive, 2 theme, 3 special-purpose, 4 department.
/// @param body Canonical JSON: the entry.
struct Filing {
    bytes32 code;
    uint64 version;
    uint8 state;
    uint8 shareType;
    uint8 openType;
    uint8 grade;
    uint8 updateCycle;
    uint8 library_;
    bytes body;
}

/// @notice What an authority decides about an entry.
/// @param code Keccak-256 of the entry's code.
/// @param version Version of the entry, filings and decisions counted alike.
/// @param state 3 returned, 4 published (or resumed), 5 suspended, 6 revoked.
/// @param body Canonical JSON: the reasons.
struct Decision {
    bytes32 code;
    uint64 version;
    uint8 state;
    bytes body;
}

/// @notice The score of one edition of an entry in one period.
/// @param entry Keccak-256 of the entry's code.
/// @param version Version of the score.
/// @param edition Edition of the entry that was assessed.
/// @param periodStart First day, YYYYMMDD.
/// @param periodEnd Last day, YYYYMMDD.
/// @param assessed Bit mask of the dimensions that were assessed, normativity at bit 0.
/// @param normativity Score in basis points, 0 where it was not assessed; so the other five.
/// @param completeness Score in basis points.
/// @param accuracy Score in basis points.
/// @param consistency Score in basis points.
/// @param timeliness Score in basis points.
/// @param accessibility Score in basis points.
/// @param total Total score in basis points.
/// @param coverage Share of the rules that could be assessed, in basis points.
/// @param ruleSet SHA-256 of the rule set.
/// @param dataRoot Record root of the data that was assessed, or zero.
/// @param body Canonical JSON: method and notes.
struct Score {
    bytes32 entry;
    uint64 version;
    uint32 edition;
    uint32 periodStart;
    uint32 periodEnd;
    uint8 assessed;
    uint16 normativity;
    uint16 completeness;
    uint16 accuracy;
    uint16 consistency;
    uint16 timeliness;
    uint16 accessibility;
    uint16 total;
    uint16 coverage;
    bytes32 ruleSet;
    bytes32 dataRoot;
    bytes body;
}

/// @notice The body has `length` bytes, at most `limit` are recorded.
error BodyTooLarge(uint256 length, uint256 limit);

/// @title The typed structs of the ledger as EIP-712 sees them
/// @notice A payload is `typeHash || encodeData`; text stands in it as its Keccak-256, the body as its
/// SHA-256. Each struct has the type of the batch beside it that is signed.
library Statements {
    /// @notice Largest body of a statement, in bytes.
    uint256 internal constant MAX_BODY = 131_072;

    bytes32 internal constant ORGANISATION_BATCH = keccak256(
        "OrganisationBatch(string organisation,uint64 deadline,Organisation[] statements)"
        "Organisation(string code,uint64 version,string parent,uint8 level,uint8 status,bytes32 bodyDigest)"
    );
    bytes32 internal constant KEY_BATCH = keccak256(
        "KeyBatch(string organisation,uint64 deadline,Key[] statements)"
        "Key(address key,uint64 version,string holder,uint16 roles,uint8 status,bytes32 bodyDigest)"
    );
    bytes32 internal constant FILING_BATCH = keccak256(
        "FilingBatch(string organisation,uint64 deadline,Filing[] statements)"
        "Filing(string code,uint64 version,uint8 state,uint8 shareType,uint8 openType,uint8 grade,"
        "uint8 updateCycle,uint8 library,bytes32 bodyDigest)"
    );
    bytes32 internal constant DECISION_BATCH = keccak256(
        "DecisionBatch(string organisation,uint64 deadline,Decision[] statements)"
        "Decision(string code,uint64 version,uint8 state,bytes32 bodyDigest)"
    );
    bytes32 internal constant SCORE_BATCH = keccak256(
        "ScoreBatch(string organisation,uint64 deadline,Score[] statements)"
        "Score(string entry,uint64 version,uint32 edition,uint32 periodStart,uint32 periodEnd,"
        "uint8 assessed,uint16 normativity,uint16 completeness,uint16 accuracy,uint16 consistency,"
        "uint16 timeliness,uint16 accessibility,uint16 total,uint16 coverage,bytes32 ruleSet,"
        "bytes32 dataRoot,bytes32 bodyDigest)"
    );

    bytes32 private constant ORGANISATION = keccak256(
        "Organisation(string code,uint64 version,string parent,uint8 level,uint8 status,bytes32 bodyDigest)"
    );
    bytes32 private constant KEY = keccak256(
        "Key(address key,uint64 version,string holder,uint16 roles,uint8 status,bytes32 bodyDigest)"
    );
    bytes32 private constant FILING = keccak256(
        "Filing(string code,uint64 version,uint8 state,uint8 shareType,uint8 openType,uint8 grade,"
        "uint8 updateCycle,uint8 library,bytes32 bodyDigest)"
    );
    bytes32 private constant DECISION =
        keccak256("Decision(string code,uint64 version,uint8 state,bytes32 bodyDigest)");
    bytes32 private constant SCORE = keccak256(
        "Score(string entry,uint64 version,uint32 edition,uint32 periodStart,uint32 periodEnd,"
        "uint8 assessed,uint16 normativity,uint16 completeness,uint16 accuracy,uint16 consistency,"
        "uint16 timeliness,uint16 accessibility,uint16 total,uint16 coverage,bytes32 ruleSet,"
        "bytes32 dataRoot,bytes32 bodyDigest)"
    );

    function payload(Organisation calldata item) internal pure returns (bytes memory) {
        return abi.encode(
            ORGANISATION,
            item.code,
            item.version,
            item.parent,
            item.level,
            item.status,
            bodyDigest(item.body)
        );
    }

    function payload(Key calldata item) internal pure returns (bytes memory) {
        return abi.encode(
            KEY, item.key, item.version, item.holder, item.roles, item.status, bodyDigest(item.body)
        );
    }

    function payload(Filing calldata item) internal pure returns (bytes memory) {
        return abi.encode(
            FILING,
            item.code,
            item.version,
            item.state,
            item.shareType,
            item.openType,
            item.grade,
            item.updateCycle,
            item.library_,
            bodyDigest(item.body)
        );
    }

    function payload(Decision calldata item) internal pure returns (bytes memory) {
        return abi.encode(DECISION, item.code, item.version, item.state, bodyDigest(item.body));
    }

    function payload(Score calldata item) internal pure returns (bytes memory) {
        // In two halves: one expression of eighteen members is too deep for the stack.
        return bytes.concat(
            abi.encode(
                SCORE,
                item.entry,
                item.version,
                item.edition,
                item.periodStart,
                item.periodEnd,
                item.assessed,
                item.normativity,
                item.completeness
            ),
            abi.encode(
                item.accuracy,
                item.consistency,
                item.timeliness,
                item.accessibility,
                item.total,
                item.coverage,
                item.ruleSet,
                item.dataRoot,
                bodyDigest(item.body)
            )
        );
    }

    function bodyDigest(bytes calldata body) internal pure returns (bytes32) {
        if (body.length > MAX_BODY) revert BodyTooLarge(body.length, MAX_BODY);
        return sha256(body);
    }
}
