"""Counters and gauges for ``/metrics`` (Prometheus text format), one registry per application."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

_BUCKETS = (0.001, 0.003, 0.005, 0.01, 0.015, 0.03, 0.06, 0.1, 0.3, 1.0, 3.0, 10.0, 60.0)

State = Callable[[], Mapping[str, float]]
"""Measures the ledger at the moment of scraping: ``name{label="value"}`` or ``name`` -> number."""


class Metrics:
    """What one server counts about itself, and what it measures of the ledger when asked."""

    def __init__(self, state: State) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "govledger_http_requests",
            "Answers given, by method, route and status",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "govledger_http_request_seconds",
            "Time from request to answer, by route",
            ["route"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.submissions = Counter(
            "govledger_submissions",
            "Signed batches handed in, by outcome (accepted, repeated, or the code of the problem)",
            ["outcome"],
            registry=self.registry,
        )
        self.duty_failures = Counter(
            "govledger_duty_failures",
            "Failed rounds of the background work (sending, following the log)",
            registry=self.registry,
        )
        self._of_route: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self.registry.register(_Ledger(state))

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer; ``route`` is the template, so that codes make no new series."""
        counters = self._of_route.get((method, route, status))
        if counters is None:
            told = self.requests.labels(method, route, str(status)), self.seconds.labels(route)
            counters = self._of_route[method, route, status] = told
        counters[0].inc()
        counters[1].observe(seconds)

    def text(self) -> bytes:
        return generate_latest(self.registry)


class _Ledger(Collector):
    def __init__(self, state: State) -> None:
        self._state = state

    def describe(self) -> list[GaugeMetricFamily]:
        """Nothing is measured at registration: the databases may not be open yet."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for name, value in self._state().items():
            family = GaugeMetricFamily(f"govledger_{name}", _HELP.get(name, name), value=value)
            yield family


_HELP = {
    "log_size": "Statements on the chain, as last seen by the mirror",
    "mirror_size": "Statements in the mirror, verified",
    "mirror_block": "Block up to which the mirror has followed",
    "drill_mirror_failed": "1 where the last verification of the mirror found something wrong",
    "drill_mirror_age_seconds": "Seconds since the last finished verification of the mirror began",
    "drill_fsck_failed": "1 where the last check of the chain's store found something wrong",
    "drill_fsck_age_seconds": "Seconds since the last finished check of the chain's store began",
    "drill_replay_failed": "1 where the chain, executed again, came out differently",
    "drill_replay_age_seconds": "Seconds since the last finished replay of the chain began",
    "lineage_journal_size": "Lineage events kept",
    "lineage_folded": "Lineage events from which edges were made",
    "duty_leads": "1 while this server sends and follows the log, 0 while it waits to take over",
    "duty_running": "1 while the background work goes well",
    "outbox_accepted": "Batches accepted and not yet sent",
    "outbox_sent": "Batches sent and not yet recorded",
    "outbox_recorded": "Batches recorded and not yet verified by the mirror",
    "outbox_verified": "Batches recorded, and verified by the mirror",
    "outbox_refused": "Batches that the contract refused",
    "disk_free_bytes": "Bytes free where the data are, on the fullest of their disks",
    "disk_bytes": "Bytes that this disk holds in all",
}
