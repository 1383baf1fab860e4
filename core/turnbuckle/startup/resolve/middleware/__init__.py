"""Put the middleware of an app in order, and check its declarations."""
