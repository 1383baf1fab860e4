"""The content of requests: bytes, JSON, forms, uploads."""
