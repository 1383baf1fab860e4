"""From a method and a path to a handler, and back from a route's name to a path. Pure: no I/O, no clock, no globals."""
