"""Tests with real apps and hosts, in an environment of their own; ``make test-apps`` runs them."""
