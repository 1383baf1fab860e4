"""What is known about parsers, as data: requests with their meaning, and what became of octets at a parser.

The conformance suite and the differential runner both draw on it.
"""
