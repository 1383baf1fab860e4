"""The code that a request runs through: find its route, call the handler, return a response."""
