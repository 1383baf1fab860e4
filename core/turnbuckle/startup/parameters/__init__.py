"""Find a supplier for each parameter of a function that is called for requests."""
