"""Settings: read the layers, convert the values, check them."""
