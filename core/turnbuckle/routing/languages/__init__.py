"""Regular languages: the expressions of converters, and the automata that match and compare them."""
