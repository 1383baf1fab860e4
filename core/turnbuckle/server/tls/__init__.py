"""TLS: certificates and settings, the handshake, the encrypted transport."""
