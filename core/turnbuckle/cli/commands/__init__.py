"""The commands of the core: each is a function of its name in a module of its name."""
