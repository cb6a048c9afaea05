"""HTTP: Flask lives here and in `app.py` alone."""
