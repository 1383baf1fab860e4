"""Requests on streams: of connections that another protocol than HTTP/1.1 carries, and of hosts of the app."""
