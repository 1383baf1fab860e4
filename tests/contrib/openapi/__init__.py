"""Tests of the plugin ``openapi``: each document in them is valid."""
