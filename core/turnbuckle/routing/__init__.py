"""Find the handler for a method and a path, and build the path of a named route. No I/O, no clock, no globals.

``tree`` has the router and ``hosts`` the router for several hosts. ``patterns`` parses a pattern into ``segments`` with
``converters``; ``nodes`` is the tree of segments. ``languages/`` has the regular languages that routing is based on:
they keep matching linear, split mixed segments, and find routes that no request can reach (``unreachable``). ``urls``
builds paths and ``escapes`` encodes them; ``methods`` and ``slashes`` have the rules on methods and trailing slashes.
"""
