"""New projects, written from the templates beside this module."""
