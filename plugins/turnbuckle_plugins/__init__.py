"""First-party plugins: alternates for the core's slots, one module each."""
