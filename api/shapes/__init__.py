"""The shapes of answers, for the OpenAPI document. Tests hold every real answer against them.

They are not used at run time: an answer is built and encoded once, and not validated again on its
way out.
"""

from api.shapes.base import ProblemShape, ok, proof
from api.shapes.catalogue import (
    ActDocument,
    ActList,
    ChangeDocument,
    DiffDocument,
    EditionDocument,
    EditionList,
    EntryDocument,
    EntryPage,
    EntrySummaryDocument,
)
from api.shapes.deliveries import (
    DataAct,
    DataActList,
    DeliveryDocument,
    DeliveryPage,
    DifferenceCounts,
    ManifestDocument,
    ManifestPage,
    ManifestSummary,
    ResourceDocument,
    ResourcePage,
)
from api.shapes.lineage import BatchSummary, KeptEvent
from api.shapes.log import (
    AuthorisationDocument,
    CheckpointDocument,
    FlagDocument,
    RecordedDocument,
    StatementDocument,
    StatementPage,
)
from api.shapes.obligations import (
    BindingDocument,
    DenominatorDocument,
    ExemptionDocument,
    ExemptionHistory,
    ExemptionPage,
    ObjectionDocument,
    ObjectionPage,
    ObligationActList,
    ObligationDocument,
    ObligationPage,
    ObligationSummary,
)
from api.shapes.organisations import (
    KeyDocument,
    KeyList,
    OrganisationDocument,
    OrganisationHistory,
    OrganisationPage,
)
from api.shapes.quality import (
    DimensionScore,
    LeagueDocument,
    ScoreDocument,
    ScorePage,
    StandingDocument,
)
from api.shapes.server import Liveness, Readiness, SchemaList
from api.shapes.writing import PreparedDocument, ReceiptDocument, ReceiptError, RefusalDocument

__all__ = [
    "ActDocument",
    "ActList",
    "AuthorisationDocument",
    "BatchSummary",
    "BindingDocument",
    "ChangeDocument",
    "CheckpointDocument",
    "DataAct",
    "DataActList",
    "DeliveryDocument",
    "DeliveryPage",
    "DenominatorDocument",
    "DiffDocument",
    "DifferenceCounts",
    "DimensionScore",
    "EditionDocument",
    "EditionList",
    "EntryDocument",
    "EntryPage",
    "EntrySummaryDocument",
    "ExemptionDocument",
    "ExemptionHistory",
    "ExemptionPage",
    "FlagDocument",
    "KeptEvent",
    "KeyDocument",
    "KeyList",
    "LeagueDocument",
    "Liveness",
    "ManifestDocument",
    "ManifestPage",
    "ManifestSummary",
    "ObjectionDocument",
    "ObjectionPage",
    "ObligationActList",
    "ObligationDocument",
    "ObligationPage",
    "ObligationSummary",
    "OrganisationDocument",
    "OrganisationHistory",
    "OrganisationPage",
    "PreparedDocument",
    "ProblemShape",
    "Readiness",
    "ReceiptDocument",
    "ReceiptError",
    "RecordedDocument",
    "RefusalDocument",
    "ResourceDocument",
    "ResourcePage",
    "SchemaList",
    "ScoreDocument",
    "ScorePage",
    "StandingDocument",
    "StatementDocument",
    "StatementPage",
    "ok",
    "proof",
]
