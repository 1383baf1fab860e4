"""Find the task or callback that keeps the server waiting."""
