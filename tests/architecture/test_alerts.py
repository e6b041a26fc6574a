"""deploy/prometheus: rules that Prometheus takes, about metrics, labels and outcomes that there are."""

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase

from services.gateway.transfers import FAILED, TAKEN
from shared.contracts.attachments.attachments import ScanStatus
from shared.contracts.refusals import Refusal
from shared.credentials import SERVICES
from tests.architecture.claims import heading_is_there

RULES: dict[str, Any] = yaml.safe_load((Path(__file__).parents[2] / "deploy/prometheus/atrium.rules.yml").read_text())
ALERTS: list[dict[str, Any]] = [rule for group in RULES["groups"] for rule in group["rules"]]
PAGE = (Path(__file__).parents[2] / "docs/operations.md").read_text()

DURATION = {"type": "string", "pattern": r"^\d+[smhd]$"}
RULE = {
    "type": "object",
    "properties": {
        "alert": {"type": "string", "pattern": "^Atrium[A-Za-z]+$"},
        "expr": {"type": "string"},
        "for": DURATION,
        "labels": {
            "type": "object",
            "properties": {"severity": {"enum": ["info", "warning", "critical"]}},
            "required": ["severity"],
            "additionalProperties": False,
        },
        "annotations": {
            "type": "object",
            "properties": {"summary": {"type": "string"}, "runbook": {"type": "string"}},
            "required": ["summary", "runbook"],
            "additionalProperties": False,
        },
    },
    "required": ["alert", "expr", "labels", "annotations"],
    "additionalProperties": False,
}
GROUP = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "rules": {"type": "array", "items": RULE, "minItems": 1}},
    "required": ["name", "rules"],
    "additionalProperties": False,
}
SCHEMA = {
    "type": "object",
    "properties": {"groups": {"type": "array", "items": GROUP}},
    "required": ["groups"],
    "additionalProperties": False,
}

WORDS = {"sum", "max", "by", "and", "rate", "increase"}
SELECTOR = re.compile(r'(\w+)\{(\w+)(?:=|!=|=~|!~)"([^"]*)"\}')


def metrics() -> dict[str, set[str]]:
    """What is exported: names as they are shown, with their labels."""
    for service in SERVICES:
        import_module(f"services.{service}.main")
    declared = [each for each in REGISTRY._collector_to_names if isinstance(each, MetricWrapperBase)]
    return {name: set(each._labelnames) for each in declared for name in REGISTRY._collector_to_names[each]}


def refusals(of: type[Refusal] = Refusal) -> Iterator[str]:
    for known in of.__subclasses__():
        yield getattr(known, "code", "")  # a kind has none
        yield from refusals(known)


EXPORTED = metrics()
OUTCOMES = {
    "attachment_uploads_total": {TAKEN, FAILED, *refusals()},
    "attachment_scans_total": {status.value for status in ScanStatus},
    "atrium_refusals_total": set(refusals()),
    "atrium_outbox_lag_seconds": set(SERVICES),
}


def test_the_rules_are_rules() -> None:
    Draft202012Validator(SCHEMA).validate(RULES)
    names = [alert["alert"] for alert in ALERTS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_what_an_alert_asks_about_is_exported(alert: dict[str, Any]) -> None:
    bare = re.sub(r'\{[^}]*\}|\[\w+\]|by \([^)]*\)|"[^"]*"', " ", alert["expr"])
    named = set(re.findall(r"[a-z_][a-z_0-9]*", bare)) - WORDS
    assert named
    assert named <= set(EXPORTED)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_labels_and_their_values_are_those_of_the_metrics(alert: dict[str, Any]) -> None:
    named = set(re.findall(r"[a-z_][a-z_0-9]*(?=[{\[)])", re.sub(r"by \([^)]*\)", "", alert["expr"])))
    labels = {label for name in named for label in EXPORTED.get(name, ())}
    kept = {label.strip() for group in re.findall(r"by \(([^)]*)\)", alert["expr"]) for label in group.split(",")}
    shown = set(re.findall(r"\$labels\.(\w+)", alert["annotations"]["summary"]))
    assert shown <= kept <= labels
    for metric, label, value in SELECTOR.findall(alert["expr"]):
        assert label in EXPORTED[metric]
        if label != "status":
            assert set(value.split("|")) <= OUTCOMES[metric]


def test_every_alert_is_explained() -> None:
    (table,) = re.findall(r"^\| Alert \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == [alert["alert"] for alert in ALERTS]
    assert [alert["annotations"]["runbook"] for alert in ALERTS if not heading_is_there(alert["annotations"]["runbook"])] == []
