"""Who is compared: each a module that starts a program and says how it is asked the same questions."""
