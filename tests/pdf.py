"""What a PDF file says, as whoever selects its text would find it."""

from io import BytesIO

from pypdfium2 import PdfDocument


def pages_of_pdf(content: bytes) -> list[str]:
    """The text of each page."""
    document = PdfDocument(BytesIO(content))
    texts = [page.get_textpage().get_text_range().replace("\r\n", "\n") for page in document]
    document.close()
    return texts
