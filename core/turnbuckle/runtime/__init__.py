"""The code that a request runs through between the connection and its handler."""
