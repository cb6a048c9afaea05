"""Have Prometheus Operator get the alerts that Prometheus reads from a file: the same, as an object of Kubernetes.

python -m tools.prometheus_rule
"""

from pathlib import Path
from textwrap import indent

_DEPLOY = Path(__file__).parents[1] / "deploy"
ALERTS = _DEPLOY / "prometheus" / "alerts.yaml"
RULE = _DEPLOY / "kubernetes" / "watch" / "prometheus-rule.yaml"
_HEAD = """\
# deploy/prometheus/alerts.yaml, as `python -m tools.prometheus_rule` has written it here.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: authz
  labels: {app.kubernetes.io/name: authz-service}
spec:
"""


def rule() -> str:
    """The text of the object."""
    return _HEAD + indent(ALERTS.read_text(), "  ")


if __name__ == "__main__":
    RULE.write_text(rule())
