"""What is read on paper: PDF files that are the same to the byte where they say the same."""
