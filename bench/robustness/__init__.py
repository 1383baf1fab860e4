"""What a server withstands: broken, slow and greedy clients, restarts, and a million requests."""
