"""Rego as HTML, with a class for each kind of word; the style sheet says how they look."""

from functools import cache, lru_cache

from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer

_WORDS = HtmlFormatter(nowrap=True, classprefix="rego-")


@lru_cache(maxsize=1024)
def highlighted(rego: str) -> Markup:
    return Markup(highlight(rego.replace("\t", "    "), _lexer(), _WORDS))  # noqa: S704 - Pygments escapes all text, as a test shows


@cache
def _lexer() -> Lexer:
    from pygments.lexers import get_lexer_by_name  # noqa: PLC0415 - it lists all languages that there are, and takes time

    return get_lexer_by_name("rego", stripall=True)
