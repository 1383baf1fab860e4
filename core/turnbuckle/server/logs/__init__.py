"""The access log and the server's log: records, formats, destinations, redaction."""
