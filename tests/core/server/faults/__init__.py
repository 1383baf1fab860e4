"""What goes wrong around a server, one kind a module; after each the server still serves, and nothing is left open."""
