"""From a method and a path to a handler, and back from a route's name to a path. Pure: no I/O, no clock, no globals.

``tree`` holds the router and ``hosts`` the one for several hosts. A pattern is read by ``patterns`` into
``segments`` and ``converters``; ``nodes`` is the tree they are put in. ``expressions``, ``automata`` and
``charsets`` are the regular languages that all of it rests on: they keep matching linear, cut mixed segments
(``splitting``) and decide what hides what (``overlap``). ``urls`` and ``escapes`` go the other way;
``methods`` and ``slashes`` hold the rules on those.
"""
