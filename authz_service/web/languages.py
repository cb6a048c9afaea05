"""In which language a reader is told."""

from flask import Request, Response

from authz_service.words import Language

ACCEPTED = {"Accept-Language": "The language of the sentences: en, nl, fr or de; English otherwise."}
TOLD = {"Content-Language": "The language of the sentences."}

NAMES = {
    Language.ENGLISH: "English",
    Language.DUTCH: "Nederlands",
    Language.FRENCH: "Français",
    Language.GERMAN: "Deutsch",
}
"""What each language calls itself."""

_LANGUAGES = list(Language)


def language_of(request: Request) -> Language:
    """The language of Accept-Language that there is; English otherwise."""
    if "Accept-Language" not in request.headers:
        return Language.ENGLISH
    return Language(request.accept_languages.best_match(_LANGUAGES, Language.ENGLISH))


def reading_language(request: Request) -> Language:
    """The language that the reader of a page has chosen by `lang`; that of the browser otherwise."""
    chosen = request.values.get("lang", "")
    return Language(chosen) if chosen in _LANGUAGES else language_of(request)


def told_in(response: Response, language: Language) -> Response:
    """Says in which language the response is, and that it depends on the request's."""
    response.headers["Content-Language"] = language
    response.headers["Vary"] = "Accept-Language"
    return response
