"""The HTTP application over one open office: routes, errors, standing duty. It holds no rules."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.types import Lifespan, Receive, Scope, Send

from api import handlers, openapi
from api.background import Duty
from api.context import Context
from api.express import Express
from api.guard import Guard
from api.inflate import Inflate
from api.intake import Intake
from api.lane import Lane
from api.language import Language
from api.lookups import Lookups
from api.metrics import Metrics
from api.routes import (
    audits,
    catalogue,
    certificates,
    corrections,
    deliveries,
    docs,
    health,
    home,
    lineage,
    lineage_events,
    lineage_findings,
    lineage_graph,
    lineage_statements,
    log,
    obligations,
    organisations,
    provenance,
    quality,
    quality_results,
    schemas,
    statements,
)
from api.rpc import publish_rpc
from api.state import measurements
from api.validation import MAX_REQUEST_BYTES
from ledger import __version__
from ledger.access.tokens import Doorkeeper

if TYPE_CHECKING:
    from ledger.office import Office


class Application(FastAPI):
    """The routes and layers, and before them all the short ways, where there is an office to ask and give to."""

    express: Express | None = None
    lookups: Lookups | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.express is not None and self.express.concerns(scope):
            await self.express(scope, receive, send)
        elif self.lookups is not None and self.lookups.concerns(scope):
            await self.lookups(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def assemble(lifespan: Lifespan[FastAPI] | None = None) -> Application:
    """The routes alone, over no office: enough to describe the API."""
    app = Application(
        title="GovLedger",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    for routes in (
        catalogue,
        organisations,
        quality,
        quality_results,
        obligations,
        corrections,
        deliveries,
        audits,
        certificates,
        lineage,
        lineage_events,
        lineage_findings,
        lineage_graph,
        lineage_statements,
        provenance,
        log,
        statements,
        schemas,
        health,
        home,
        docs,
    ):
        app.include_router(routes.router)
    openapi.install(app)
    return app


def create_app(office: Office, url: str | None = None, *, on_duty: bool = True) -> Application:
    """The application over ``office``, which stays the caller's to close.

    While it runs it is ``on_duty``: the outbox is pumped and the mirror follows the chain, in a thread; without,
    another process of this server does that. The
    JSON-RPC of an embedded chain stands at ``/rpc``; with ``url``, the server's own address, other commands
    find it through the data directory.
    """
    language: Language = "zh" if office.settings.language == "zh" else "en"
    metrics = Metrics(lambda: measurements(context))
    duty = Duty(office.stand_duty, metrics.duty_failures.inc)
    edges = Duty(office.lineage.stand, metrics.duty_failures.inc, "govledger-edges")

    def elsewhere() -> str | None:
        return office.lineage.elsewhere()

    intake = Intake(lambda: office.lineage.committer, elsewhere=elsewhere)
    doorkeeper = Doorkeeper(office.desk_engine)
    drilling = Duty(office.drills.stand, metrics.duty_failures.inc, "govledger-drills")
    context = Context(
        office, language, metrics, duty, edges, intake, doorkeeper, drilling, office.clock()
    )

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        office.on_progress = context.pulse.beat
        with publish_rpc(app, office, url):
            if on_duty:
                duty.start()
                edges.start()
                drilling.start()
            try:
                yield
            finally:
                drilling.end()
                edges.end()
                duty.end()

    app = assemble(lifespan)
    app.state.context = context
    handlers.install(app, language)
    largest = dict.fromkeys(lineage.PATHS, office.settings.lineage_max_bytes)
    largest[quality_results.PATH] = quality_results.MAX_BYTES
    app.add_middleware(Lane, endpoints=lineage.endpoints(context))
    app.add_middleware(Inflate, limit=MAX_REQUEST_BYTES, limits=largest)
    app.add_middleware(Guard, language=language, observe=metrics.observe, limits=largest)
    plain = super(Application, app).__call__
    app.express = Express(plain, context, metrics.observe)
    app.lookups = Lookups(plain, context, metrics.observe)
    return app
