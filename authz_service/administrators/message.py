"""Writes a letter: its templates filled in, as an e-mail in plain text and HTML."""

from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from authz_service.administrators.outbox import KeptLetter
from authz_service.errors import ConfigurationError

_DATES = {"en": "%d %B %Y", "nl": "%d-%m-%Y", "fr": "%d/%m/%Y", "de": "%d.%m.%Y"}

_TEMPLATES = Environment(
    loader=PackageLoader("authz_service.administrators", "letters"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
)


def write_message(kept: KeptLetter, sender: str) -> EmailMessage:
    """The e-mail of a letter; the same letter has the same Message-ID however often it is sent.

    Args:
        kept: The letter.
        sender: The address that it is from, with a name or without.
    """
    letter = kept.letter
    folder = f"{letter.kind}/{letter.language}"
    date = kept.ordered_at.astimezone().strftime(_DATES[letter.language])
    filled = {**letter.parameters, "date": date}
    message_id = f"<{kept.id}@{domain_of(sender)}>"
    message = EmailMessage()
    message["From"] = sender
    message["To"] = letter.recipient
    message["Subject"] = _TEMPLATES.get_template(f"{folder}/subject.txt").render(filled).strip()
    message["Date"] = format_datetime(kept.ordered_at)
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_TEMPLATES.get_template(f"{folder}/body.txt").render(filled))
    message.add_alternative(_TEMPLATES.get_template(f"{folder}/body.html").render(filled), subtype="html")
    # Last, as setting the content takes away every header about it.
    message["Content-Language"] = letter.language
    return message


def domain_of(sender: str) -> str:
    """The domain of an address.

    Raises:
        ConfigurationError: It is none.
    """
    local, at, domain = parseaddr(sender)[1].rpartition("@")
    if not (local and at and domain):
        raise ConfigurationError("AUTHZ_MAIL_FROM: must be an address such as no-reply@example.org.")
    return domain
