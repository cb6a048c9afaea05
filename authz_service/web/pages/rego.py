"""Rego as HTML, with a class for each kind of word; the style sheet says how they look."""

from functools import lru_cache

from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

_LEXER = get_lexer_by_name("rego", stripall=True)
_WORDS = HtmlFormatter(nowrap=True, classprefix="rego-")


@lru_cache(maxsize=1024)
def highlighted(rego: str) -> Markup:
    return Markup(highlight(rego.replace("\t", "    "), _LEXER, _WORDS))  # noqa: S704 - Pygments escapes all text, as a test shows
