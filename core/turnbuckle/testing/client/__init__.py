"""The test client: it sends requests and reads responses."""
