"""A real mail server for the tests."""

from email.message import EmailMessage, Message

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import AsyncMessage
from aiosmtpd.smtp import Envelope


class Mailbox(AsyncMessage):
    """Keeps what arrives, and refuses whom it is told to."""

    def __init__(self) -> None:
        super().__init__(message_class=EmailMessage)
        self.messages: list[EmailMessage] = []
        self.refusals: dict[str, str] = {}

    async def handle_RCPT(self, _: object, __: object, envelope: Envelope, address: str, ___: object) -> str:  # noqa: N802 - the library's name
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_message(self, message: Message) -> None:
        assert isinstance(message, EmailMessage)
        self.messages.append(message)


class MailServerForTests:
    """A real SMTP server that can be down and up again on the same port."""

    def __init__(self, port: int) -> None:
        self.mailbox = Mailbox()
        self._port = port
        self._controller: Controller | None = None

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self._port}"

    def up(self) -> None:
        self._controller = Controller(self.mailbox, hostname="127.0.0.1", port=self._port)
        self._controller.start()

    def down(self) -> None:
        if self._controller:
            self._controller.stop()
            self._controller = None
