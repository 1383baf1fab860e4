"""Tests of requests on streams."""
