"""One connection: its state, its deadlines, its requests and responses."""
