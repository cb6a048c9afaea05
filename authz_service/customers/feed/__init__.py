"""Changes of customer data as another system tells them, one after the other."""
