"""The alert rules: what they ask of exists, each is tested, explained and has a page that says what to do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

import alerts
import prometheus
from pipeline.metrics import DEFINITIONS, PREFIX, PROCESS, MetricDef

ROOT = Path(__file__).parents[2]
RULE_TESTS = sorted((alerts.PROMETHEUS / "tests").glob("*.yaml"))
RUNBOOKS = ROOT / "docs" / "runbooks"
# Labels that Prometheus puts on every series that it scrapes.
_OF_THE_TARGET = {"job", "instance"}
_RULES = [rule for rule in alerts.each(alerts.load()) if "alert" in rule]


def test_promtool_finds_no_fault_in_rules_and_configuration() -> None:
    for what, file in (("rules", alerts.RULES), ("config", alerts.PROMETHEUS / "prometheus.yml")):
        status, said = prometheus.promtool("check", what, file)
        assert status == 0, said


def test_every_alert_fires_and_does_not_fire_as_its_test_says() -> None:
    status, said = prometheus.promtool("test", "rules", *RULE_TESTS)
    assert status == 0, said


def test_every_alert_has_a_test_of_both() -> None:
    assert [file.stem for file in RULE_TESTS] == sorted(alerts.names())
    for file in RULE_TESTS:
        cases = [case for test in yaml.safe_load(file.read_text())["tests"] for case in test["alert_rule_test"]]
        assert {case["alertname"] for case in cases} == {file.stem}
        assert {bool(case["exp_alerts"]) for case in cases} == {True, False}, f"{file.name} tests one of both only"


@pytest.mark.parametrize("rule", _RULES, ids=[f"{r['alert']}-{r['labels']['severity']}" for r in _RULES])
def test_an_alert_says_how_bad_it_is_what_it_means_and_what_to_do(rule: dict[str, dict[str, str]]) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
    assert "Likely:" in rule["annotations"]["description"]
    runbook = ROOT / rule["annotations"]["runbook_url"]
    assert runbook == RUNBOOKS / f"{rule['alert']}.md"
    assert runbook.read_text().startswith(f"# {rule['alert']}\n")


def test_every_runbook_is_of_an_alert_and_in_the_operators_index() -> None:
    assert {file.stem for file in RUNBOOKS.glob("*.md")} == set(alerts.names())
    page = (ROOT / "docs" / "operations.md").read_text()
    assert re.findall(r"\[(\w+)\]\(runbooks/\1\.md\)", page) == alerts.names()


def test_rules_ask_for_metrics_and_labels_that_exist() -> None:
    known = _series()
    recorded = {rule["record"] for rule in alerts.each(alerts.load()) if "record" in rule}
    for rule in alerts.each(alerts.load()):
        expression = rule["expr"]
        for name, selector in re.findall(r"\b(wirefuse[_:][\w:]+|process_\w+)\b(?:\{([^}]*)\})?", expression):
            if ":" in name:
                assert name in recorded, f"{name} is recorded by no rule"
                continue
            assert name in known, f"{name} is no metric"
            labels = set(re.findall(r"(\w+)\s*=", selector))
            assert labels <= known[name] | _OF_THE_TARGET, f"{name}{{{selector}}}"
        # What a label of an aggregation or a match is of, a pattern cannot say; but it must be of something.
        for group in re.findall(r"\b(?:by|on|group_left) \(([^)]*)\)", expression):
            named = {label.strip() for label in group.split(",") if label.strip()}
            assert named <= set.union(_OF_THE_TARGET, *known.values()), group


def test_values_that_rules_choose_by_can_occur() -> None:
    buckets = next(d for d in DEFINITIONS if d.name == "end_to_end_latency_seconds").buckets
    assert buckets is not None
    text = alerts.RULES.read_text()
    assert {float(le) for le in re.findall(r'\{le="([^"]+)"\}', text)} <= set(buckets)
    stages = {"producer", "dedup", "entities", "incidents", "sink"}
    assert {s for found in re.findall(r'stage=~?"([^"]+)"', text) for s in found.split("|")} <= stages


def test_shorter_rules_differ_in_their_times_alone(tmp_path: Path) -> None:
    rule = {
        "alert": "A",
        "expr": 'rate(x[5m]) > 0.05 and y offset 1h > 3 * 60 and z{le="60.0"} > 60 and count(x[90s]) > 14.4 * 0.01',
        "for": "10m",
        "labels": {"window": "1h"},
    }
    (short,) = alerts.each(alerts.shortened({"groups": [{"name": "g", "rules": [rule]}]}, 20))
    assert short == rule | {
        "expr": 'rate(x[15000ms]) > 0.05 and y offset 180000ms > 9 and z{le="60.0"} > 60 '
        "and count(x[4500ms]) > 14.4 * 0.01",
        "for": "30000ms",
    }
    file = tmp_path / "short.yml"
    file.write_text(yaml.safe_dump(alerts.shortened(alerts.load(), 20)))
    status, said = prometheus.promtool("check", "rules", file)
    assert status == 0, said
    for short in alerts.each(alerts.shortened(alerts.load(), 20)):
        assert not re.search(r"\[\d+[a-z]\]|\* 60\b", short["expr"]), short["expr"]
        assert short.get("for", "0ms").endswith("ms")


def _series() -> dict[str, set[str]]:
    """Labels of every series name that a process exports."""

    def names(prefix: str, d: MetricDef) -> list[tuple[str, set[str]]]:
        own = set(d.labels)
        if d.kind != "histogram":
            return [(prefix + d.name, own)]
        return [(f"{prefix}{d.name}{end}", own | ({"le"} if end == "_bucket" else set())) for end in
                ("_bucket", "_count", "_sum")]  # fmt: skip

    return dict([s for d in DEFINITIONS for s in names(PREFIX, d)] + [s for d in PROCESS for s in names("", d)])
