"""The request as a handler sees it, and its parts."""
