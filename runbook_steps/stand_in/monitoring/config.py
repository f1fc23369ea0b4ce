"""The configuration of Prometheus and Alertmanager for a drill: production's, with short times. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import yaml

from runbook_steps.engine.site.machines.alerting import Pace

__all__ = [
    "EXPORTER",
    "PACE",
    "POSTGRES_TARGETS",
    "alertmanager_of_the_drill",
    "blackbox_of_the_drill",
    "postgres_source",
    "prometheus_config",
]

EXPORTER = "exporter"
"""What its sessions in PostgreSQL are called."""
PACE = Pace(hold="500ms", window="4s", keep="0s", age_s=4.0)
"""A drill waits seconds where production waits minutes; thresholds that are no time are the same."""
POSTGRES_TARGETS = "postgres.json"
_SCRAPE, _SCRAPE_POSTGRES, _PROBES, _EVALUATION = "500ms", "1500ms", "1s", "250ms"


def prometheus_config(ports: Mapping[str, int], slots: Sequence[str], site: str) -> str:
    """`ports` of the exporters on this machine; `slots` and `site` are addresses of the API and of the proxy.

    Beside it lie `rules.yml`, and POSTGRES_TARGETS with the exporters of PostgreSQL.
    """
    address = urlsplit(site)
    front = f"{address.hostname}:{address.port or 443}"
    blackbox = f"127.0.0.1:{ports['blackbox_exporter']}"
    jobs: list[dict[str, Any]] = [
        _job("node", [f"127.0.0.1:{ports['node_exporter']}"]),
        # its exporter tries a dead server again for seconds before it says so: a shorter scrape would hear nothing
        {
            "job_name": "postgres",
            "file_sd_configs": [{"files": [POSTGRES_TARGETS], "refresh_interval": "1s"}],
            "scrape_interval": _SCRAPE_POSTGRES,
            "scrape_timeout": _SCRAPE_POSTGRES,
        },
        _job("redis", [f"127.0.0.1:{ports['redis_exporter']}"]),
        _job("api", [urlsplit(slot).netloc for slot in slots]),
        # two places outside, each a prober of its own: here both are this one
        _probe("outside", "outside", [f"{site}/api/health", f"{site}/api/health?place=2"], blackbox),
        _probe("health", "health", [f"{site}/api/health/detailed"], blackbox),
        _probe("certificate", "certificate", [front], blackbox),
        _probe("nginx", "answers", [f"{site}/metrics"], blackbox),  # nginx answers that itself, with 404
    ]
    return yaml.safe_dump(
        {
            "global": {"scrape_interval": _SCRAPE, "scrape_timeout": _SCRAPE, "evaluation_interval": _EVALUATION},
            "rule_files": ["rules.yml"],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{ports['alertmanager']}"]}]}]},
            "scrape_configs": jobs,
        },
        sort_keys=False,
    )


def _job(name: str, targets: Sequence[str]) -> dict[str, Any]:
    return {"job_name": name, "static_configs": [{"targets": list(targets)}]}


def _probe(name: str, module: str, targets: Sequence[str], prober: str) -> dict[str, Any]:
    return {
        **_job(name, targets),
        "scrape_interval": _PROBES,  # through the proxy, which limits requests
        "scrape_timeout": _PROBES,
        "metrics_path": "/probe",
        "params": {"module": [module]},
        "relabel_configs": [
            {"source_labels": ["__address__"], "target_label": "__param_target"},
            {"source_labels": ["__param_target"], "target_label": "instance"},
            {"target_label": "__address__", "replacement": prober},
        ],
    }


def blackbox_of_the_drill(published: str) -> str:
    """The published modules, each asking from an address of its own: a prober must not use up a customer's limit."""
    document = yaml.safe_load(published)
    for number, module in enumerate(document["modules"].values(), 1):
        if "http" in module:
            module["http"]["headers"] = {"X-Forwarded-For": f"198.51.100.{number}"}
    return str(yaml.safe_dump(document, sort_keys=False))


def alertmanager_of_the_drill(published: str) -> str:
    """The published configuration at a drill's pace: same routes, same inhibitions; nobody is told."""
    document = yaml.safe_load(published)
    short = {"group_wait": "0s", "group_interval": "1s"}
    routes = [{**route, **short} for route in document["route"]["routes"]]
    document["route"] = {**document["route"], **short, "routes": routes}
    document["receivers"] = [{"name": receiver["name"]} for receiver in document["receivers"]]
    return str(yaml.safe_dump(document, sort_keys=False))


def postgres_source(database_url: str) -> str:
    """DATA_SOURCE_NAME of the exporter. Secret. It waits for no lock: it must not block on what it should report."""
    joined = "&" if "?" in database_url else "?"
    plain = "" if "sslmode=" in database_url else "&sslmode=disable"
    return f"{database_url}{joined}lock_timeout=300ms&statement_timeout=900ms&application_name={EXPORTER}{plain}"
