"""Call the hooks and collect their records."""
