"""The test client: requests out, responses in."""
