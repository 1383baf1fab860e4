"""The commands of the core. Each command is a function of its name in a module of its name."""
