"""Tests with real apps and hosts, in a separate environment; ``make test-apps`` runs them."""
