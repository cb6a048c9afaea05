"""The comparison as a picture: a bar for each contestant, of the CPU that a decision takes."""

from collections.abc import Iterator, Mapping
from html import escape

from bench.contestants.contestant import HUNDRED, SEARCH, SINGLE, THOUSAND
from bench.figures import Figures, Results

_WIDTH, _LEFT, _RIGHT, _ROW, _GAP = 800, 280, 64, 24, 32
_TITLES = {
    SINGLE: "One question a request: CPU µs a decision",
    HUNDRED: "100 questions a request: CPU µs a decision",
    THOUSAND: "1,000 questions a request: CPU µs a decision",
    SEARCH: "Search: CPU µs a page",
}
# Three digits are enough to read.
_WITHOUT_FRACTION = 100
_LEGEND = (
    "OPA and Cerbos are handed every fact; this service, OpenFGA and Flask look the facts up.",
    "The pale end of a bar is the database server.",
)
_STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; }
  .name { text-anchor: end; }
  .value { font-variant-numeric: tabular-nums; }
  .note { font-size: 12px; fill: #59636e; }
  .ours { fill: #0b57a4; }
  .other { fill: #8c959f; }
  .database { opacity: 0.45; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .note { fill: #9198a1; }
    .ours { fill: #6cb6ff; }
    .other { fill: #656c76; }
  }
"""


def draw(results: Results, note: str) -> str:
    """An SVG that is read in light and in dark.

    Args:
        results: What is drawn.
        note: The last line: where the figures come from.
    """
    parts: list[str] = []
    y = 24
    for kind, of_kind in results.items():
        parts.append(f'<text class="title" x="0" y="{y}">{escape(_TITLES[kind])}</text>')
        y += 12
        parts.extend(_bars(of_kind, y))
        y += len(of_kind) * _ROW + _GAP
    for text in (*_LEGEND, note):
        parts.append(f'<text class="note" x="0" y="{y}">{escape(text)}</text>')
        y += 18
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-8 0 {_WIDTH + 16} {y}" role="img" '
        f'aria-label="CPU a decision, for each contestant">\n<style>{_STYLE}</style>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _bars(of_kind: Mapping[str, Figures], y: int) -> Iterator[str]:
    longest = max(each.all_cpu_us for each in of_kind.values())
    scale = (_WIDTH - _LEFT - _RIGHT) / longest
    for n, (key, each) in enumerate(of_kind.items()):
        top, whose = y + n * _ROW, "ours" if key.startswith("ours") else "other"
        own, database = each.cpu_us * scale, each.database_cpu_us * scale
        yield f'<text class="name" x="{_LEFT - 10}" y="{top + 16}">{escape(each.name)}</text>'
        yield f'<rect class="{whose}" x="{_LEFT}" y="{top + 4}" width="{own:.1f}" height="16"/>'
        if database:
            x = _LEFT + own
            yield f'<rect class="{whose} database" x="{x:.1f}" y="{top + 4}" width="{database:.1f}" height="16"/>'
        x = _LEFT + own + database + 8
        yield f'<text class="value" x="{x:.1f}" y="{top + 16}">{_number(each.all_cpu_us)}</text>'


def _number(value: float) -> str:
    return f"{value:,.1f}" if value < _WITHOUT_FRACTION else f"{value:,.0f}"
