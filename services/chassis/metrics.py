"""/metrics: what Prometheus asks of a service.

Requests are counted in memory, by all web processes of one place together (`share`). Everything else is asked of the
database when somebody looks: so it is the same whichever process answers, and outlives them all. Addresses are counted
by their rule, never as they were typed: those carry names and links.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from flask import Flask, Response, current_app, g, request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
    values,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from services.chassis import operators
from services.chassis.db import Database
from services.chassis.measures import Look, Measure, of_the_backbone
from services.chassis.service import Service

PREFIX = "palabre"
BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
# What is asked for every second by machines says nothing about people's waiting.
UNCOUNTED = {"metrics", "own_metrics", "healthz", "readyz", "health"}

_counted = CollectorRegistry()
_REQUESTS = Counter(
    f"{PREFIX}_requests", "Requests answered.", ("service", "method", "route", "status"), registry=_counted
)
_SECONDS = Histogram(
    f"{PREFIX}_request_seconds",
    "Until the answer began.",
    ("service", "method"),
    buckets=BUCKETS_S,
    registry=_counted,
)


def share(folder: Path) -> None:
    """Count together with the other web processes that were given this folder; call it before the first request.

    What an earlier life counted in there goes on being counted: empty the folder where that is not wanted.
    """
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    # The library looks at this only when it is imported, which is long before we know the folder.
    values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]


def install(app: Flask, service: Service) -> None:
    """Count this app's requests, and tell the figures at /metrics and at /api/<service>/metrics."""

    def begin() -> None:
        g.began = time.perf_counter()

    def count(response: Response) -> Response:
        if request.endpoint in UNCOUNTED:
            return response
        route = request.url_rule.rule if request.url_rule else "unknown"
        _REQUESTS.labels(service.name, request.method, route, str(response.status_code)).inc()
        _SECONDS.labels(service.name, request.method).observe(time.perf_counter() - g.began)
        return response

    def tell() -> Response:
        operators.let_in_machines_too()
        database: Database = current_app.extensions["database"]
        looks = (of_the_backbone, *service.measures)
        told = generate_latest(_registry(_Asked(database, service.name, looks)))
        return Response(told, content_type=CONTENT_TYPE_LATEST)

    app.before_request(begin)
    app.after_request(count)
    app.add_url_rule("/metrics", "metrics", tell)
    # Where one address serves all four, each is asked by its own prefix.
    app.add_url_rule(f"/api/{service.name}/metrics", "own_metrics", tell)


def _registry(asked: Collector) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(asked)
    if folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
    else:
        registry.register(_Counted())
    return registry


class _Counted(Collector):
    """What this process counted alone."""

    def collect(self) -> Iterable[Metric]:
        return _counted.collect()


class _Asked(Collector):
    """What the database says, in one look."""

    def __init__(self, database: Database, service: str, looks: Iterable[Look]) -> None:
        self._database, self._service, self._looks = database, service, looks

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        with self._database.reading() as session:
            found = [measure for look in self._looks for measure in look(session, datetime.now(UTC))]
        families: dict[str, Metric] = {}
        for measure in found:
            marks = {"service": self._service, **measure.marks}
            family = families.setdefault(measure.name, _family(measure, tuple(marks)))
            family.add_metric(list(marks.values()), measure.value)  # type: ignore[attr-defined]
        return families.values()


def _family(measure: Measure, marks: tuple[str, ...]) -> Metric:
    kind = CounterMetricFamily if measure.counts else GaugeMetricFamily
    return kind(f"{PREFIX}_{measure.name}", measure.says, labels=marks)
