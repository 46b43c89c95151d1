"""Web pages of the kinds that people keep screenshots of, from the project's own texts."""

from __future__ import annotations

import base64
import html
import random
from dataclasses import dataclass
from functools import partial

from bench.graphics.base import ROOT, NotMade

__all__ = ["Page", "pages"]


@dataclass(frozen=True, slots=True)
class Page:
    """A document, and the window it is shown in: pixels of CSS, and device pixels for each."""

    html: str
    width: int = 1280
    height: int = 800
    scale: float = 1


def pages() -> dict[str, Page]:
    """Every page by its name. Raises NotMade where a package is missing."""
    return {
        "sheet": Page(_sheet()),
        "article": Page(_article(), 1100, 1400),
        "editor-dark": Page(_code("monokai", "bench/chart.py")),
        "editor-light": Page(
            _code("friendly", "cpp/frame/CMakeLists.txt", "codec/options.py"), 1400, 900
        ),
        "diff": Page(_diff(), 1200, 900),
        "form": Page(_form(), 1000, 800),
        "dashboard": Page(_dashboard()),
        "news": Page(_news()),
        "map": Page(_map()),
        "phone": Page(_chat(), 500, 900, 2),
    }


def _document(style: str, body: str) -> str:
    return (
        f"<!doctype html><meta charset=utf-8><style>body{{margin:0;font:14px sans-serif}}{style}"
        f"</style><body>{body}</body>"
    )


def _text(name: str) -> str:
    return (ROOT / name).read_text()


def _sheet() -> str:
    """A spreadsheet."""
    draw = random.Random(1)
    heads = "".join(f"<th>{chr(65 + n)}" for n in range(14))
    rows = "".join(
        f"<tr><th>{row}<td class=n>item {draw.randrange(1000)}"
        + "".join(f"<td>{draw.uniform(-99, 999):.2f}" for _ in range(13))
        for row in range(1, 40)
    )
    style = (
        "table{border-collapse:collapse;font:12px sans-serif}td,th{border:1px solid #d4d4d4;"
        "padding:2px 9px;text-align:right}th{background:#f3f3f3;font-weight:400}.n{color:#06c}"
        "tr:nth-child(7) td{background:#fff2cc}"
    )
    return _document(style, f"<table><tr><th>{heads}{rows}</table>")


def _article() -> str:
    """Justified text with serifs, in two columns, with a table."""
    paragraphs = [html.escape(p) for p in _text("docs/training-log.md").split("\n\n")]
    body = "".join(f"<h2>{p.lstrip('# ')}</h2>" if p[:1] == "#" else f"<p>{p}" for p in paragraphs)
    style = (
        "body{font:16px/1.45 serif;margin:30px 50px;column-count:2;column-gap:40px;"
        "text-align:justify}h2{font:bold 19px sans-serif;color:#224}"
    )
    return _document(style, body)


def _code(theme: str, *names: str) -> str:
    """An editor with line numbers and coloured words; of two files the first one is a side bar."""
    try:
        from pygments import highlight
        from pygments.formatters import HtmlFormatter
        from pygments.lexers import get_lexer_for_filename
    except ImportError as error:
        raise NotMade("install Pygments") from error
    formatter = HtmlFormatter(style=theme, linenos="inline", full=False)
    panes = "".join(
        f"<div class=pane>{highlight(_text(name), get_lexer_for_filename(name), formatter)}</div>"
        for name in names
    )
    style = (
        f"{formatter.get_style_defs('.highlight')}body{{display:flex;background:"
        f"{formatter.style.background_color}}}.pane{{flex:1;overflow:hidden;height:100vh}}"
        "pre{font:13px/1.35 monospace;margin:0;padding:6px}.linenos{color:#888;padding:0 8px}"
    )
    return _document(style, panes)


def _diff() -> str:
    """A change to a file, as code review shows it."""
    draw = random.Random(2)
    lines = []
    for number, line in enumerate(_text("bench/bd.py").splitlines()[:48], 1):
        kind = draw.choice(["", "", "", "", "add", "del"])
        sign = {"add": "+", "del": "-", "": " "}[kind]
        lines.append(f"<div class='{kind}'><b>{number:4}</b> {sign} {html.escape(line)}</div>")
    style = (
        "pre{font:12px/18px monospace;margin:16px;border:1px solid #ddd;border-radius:6px}"
        "b{color:#999;font-weight:400}.add{background:#e6ffec}.del{background:#ffebe9}"
    )
    return _document(style, f"<pre>{''.join(lines)}</pre>")


def _form() -> str:
    """Settings: every control that browsers have."""
    controls = (
        "<input type=text value='name of the file'>", "<input type=checkbox checked>",
        "<input type=radio checked><input type=radio>", "<input type=range value=75>",
        "<select><option>lossless</select>", "<input type=color value='#2244cc'>",
        "<input type=date value=2026-05-04>", "<progress value=0.4></progress>",
        "<button>Apply</button> <button disabled>Undo</button>", "<meter value=0.7></meter>",
        "<textarea rows=4 cols=40>Notes\nof several lines</textarea>",
    )  # fmt: skip
    rows = "".join(f"<p><label>Setting {n}</label>{c}" for n, c in enumerate(controls, 1))
    style = (
        "body{background:#eceff1}main{background:#fff;margin:30px auto;width:640px;"
        "padding:9px 40px;box-shadow:0 2px 12px #0004;border-radius:8px}"
        "label{display:inline-block;width:160px}"
        "nav{background:#263238;color:#fff;padding:12px 30px}"
    )
    return _document(style, f"<nav>Settings &rsaquo; General</nav><main>{rows}</main>")


def _dashboard() -> str:
    """Cards with figures, and graphs in SVG on a dark ground."""
    draw = random.Random(3)
    cards = []
    for number in range(8):
        points = " ".join(f"{x * 9},{draw.uniform(10, 90):.1f}" for x in range(32))
        colour = ("#4dd0e1", "#ffb74d", "#aed581", "#f06292")[number % 4]
        graph = (
            f"<polyline points='{points}' fill=none stroke='{colour}' stroke-width=2 />"
            if number % 2
            else "".join(
                f"<rect x={x * 12} y={100 - (h := draw.randrange(8, 95))} width=9 height={h} "
                f"fill='{colour}' />"
                for x in range(23)
            )
        )
        cards.append(
            f"<div><h3>Metric {number}</h3><big>{draw.uniform(1, 999):.1f}</big>"
            f"<svg width=280 height=100>{graph}</svg></div>"
        )
    style = (
        "body{background:#111827;color:#e5e7eb;display:flex;flex-wrap:wrap;gap:14px;padding:16px}"
        "div{background:linear-gradient(#1f2937,#243244);border-radius:10px;padding:10px 14px}"
        "h3{margin:0;font-size:13px;color:#9ca3af}big{font-size:26px;display:block}"
    )
    return _document(style, "".join(cards))


def _news() -> str:
    """Text beside a photograph."""
    data = base64.b64encode((ROOT / "examples" / "kodim23.png").read_bytes()).decode()
    photograph = f"<img src='data:image/png;base64,{data}'>"
    body = html.escape(_text("README.md"))[:2600]
    style = (
        "body{font:15px/1.5 sans-serif;margin:0 60px}"
        "img{width:560px;float:right;margin:0 0 9px 24px}"
        "header{background:#b00020;color:#fff;margin:0 -60px 20px;padding:14px 60px;font-size:22px}"
    )
    return _document(style, f"<header>The Daily Picture</header>{photograph}<p>{body}")


def _map() -> str:
    """Streets, water and names."""
    draw = random.Random(4)
    across = partial(draw.uniform, -50, 1330)
    down = partial(draw.uniform, -50, 850)
    parts = [f"<path d='M-10 {down():.0f} C 300 {down():.0f} 800 {down():.0f} 1300 {down():.0f}' "
             "stroke='#9cc9e8' stroke-width=46 fill=none />"]  # fmt: skip
    for _ in range(14):
        x, y = across(), down()
        parts.append(
            f"<polygon points='{x:.0f},{y:.0f} {x + draw.uniform(60, 200):.0f},{y + 30:.0f} "
            f"{x + 120:.0f},{y + draw.uniform(60, 180):.0f}' fill='#c9e7b8' />"
        )
    for width, colour in ((9, "#c8b98f"), (6, "#fff7d6")) * 2:
        streets = random.Random(5)
        for _ in range(26):
            line = " ".join(f"{streets.uniform(-50, 1330):.0f}" for _ in range(2))
            other = " ".join(f"{streets.uniform(-50, 850):.0f}" for _ in range(2))
            (x0, x1), (y0, y1) = line.split(), other.split()
            parts.append(
                f"<path d='M{x0} {y0} L{x1} {y1}' stroke='{colour}' stroke-width={width} />"
            )
    parts += [
        f"<text x={across():.0f} y={down():.0f} font-size={draw.choice((11, 13, 19))} "
        f"transform='rotate({draw.choice((0, 0, -30, 40))} 600 400)' fill='#444'>Street {n}</text>"
        for n in range(60)
    ]
    return _document(
        "svg{background:#f2efe9}", f"<svg width=1280 height=800>{''.join(parts)}</svg>"
    )


def _chat() -> str:
    """Messages, as on a telephone."""
    draw = random.Random(6)
    words = _text("docs/glossary.md").split()
    lines = []
    for number in range(16):
        start = draw.randrange(len(words) - 30)
        text = html.escape(" ".join(words[start : start + draw.randrange(3, 22)]))
        lines.append(f"<p class=s{number % 3 // 2}>{text}<i>12:{10 + number}</i>")
    style = (
        "body{background:#e5ddd5;font:15px/1.3 sans-serif;padding:8px}p{background:#fff;margin:6px;"
        "padding:7px 10px;border-radius:9px;max-width:330px;box-shadow:0 1px 1px #0003}"
        ".s1{background:#dcf8c6;margin-left:110px}i{color:#999;font:11px sans-serif;float:right}"
    )
    return _document(style, "".join(lines))
