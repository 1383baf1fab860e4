"""Turn a plan into the closures that requests run through."""
