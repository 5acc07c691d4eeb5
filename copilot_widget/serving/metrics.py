"""What a worker and a server tell Prometheus. Counted where it happens, read when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .ports import needs

if TYPE_CHECKING:
    from ..runs.worker import Worker

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass
class ServeStats:
    """What a server has done since it started."""

    asked: int = 0
    """Messages that a run was asked for, also those that were sent twice."""
    streams: int = 0
    """Clients that follow a run now."""
    events: int = 0
    """Events that went out."""
    refused: dict[str, int] = field(default_factory=dict[str, int])
    """Requests by the code of the error that they were answered with."""


class MetricsPage:
    """A Prometheus registry over counters of ours; `collect` is asked for them each time."""

    def __init__(self, collect: Callable[[Any], Iterator[Any]], extra: str) -> None:
        client = needs("prometheus_client", extra)
        self._core = needs("prometheus_client.core", extra)
        self._collect = collect
        self._registry = client.CollectorRegistry()
        self._registry.register(self)
        client.ProcessCollector(registry=self._registry)
        self._generate = client.generate_latest

    def text(self) -> bytes:
        """The metrics in Prometheus's text format."""
        return self._generate(self._registry)

    def collect(self) -> Iterator[Any]:
        """What Prometheus's registry asks for."""
        return self._collect(self._core)


def worker_metrics(worker: Worker) -> MetricsPage:
    def collect(core: Any) -> Iterator[Any]:
        stats = worker.stats
        yield core.GaugeMetricFamily("copilot_worker_slots", "Runs it may execute at once", value=worker.slots)
        yield core.GaugeMetricFamily("copilot_worker_runs", "Runs it executes now", value=len(worker.held))
        yield core.GaugeMetricFamily("copilot_worker_draining", "1 while it takes nothing more", value=worker.draining)
        yield core.CounterMetricFamily("copilot_claims", "Runs claimed", value=stats.claimed)
        yield _by_label(core, "copilot_attempts", "Attempts by what they ended with", "ending", stats.ended)
        yield core.CounterMetricFamily("copilot_events", "Events logged", value=stats.events)
        yield core.CounterMetricFamily("copilot_append_retries", "Appends tried again", value=stats.troubles)
        yield core.CounterMetricFamily("copilot_swept", "Runs that no bell had told of", value=stats.swept)

    return MetricsPage(collect, "executor")


def serve_metrics(stats: ServeStats) -> MetricsPage:
    def collect(core: Any) -> Iterator[Any]:
        yield core.GaugeMetricFamily("copilot_serve_streams", "Clients that follow a run now", value=stats.streams)
        yield core.CounterMetricFamily("copilot_serve_chats", "Messages a run was asked for", value=stats.asked)
        yield core.CounterMetricFamily("copilot_serve_events", "Events sent to clients", value=stats.events)
        yield _by_label(core, "copilot_serve_refused", "Requests refused, by code", "code", stats.refused)

    return MetricsPage(collect, "serve")


def _by_label(core: Any, name: str, text: str, label: str, counts: Mapping[str, int]) -> Any:
    family = core.CounterMetricFamily(name, text, labels=[label])
    for value, number in sorted(counts.items()):
        family.add_metric([value], number)
    return family


__all__ = ["CONTENT_TYPE", "MetricsPage", "ServeStats", "serve_metrics", "worker_metrics"]
