"""New projects, written from the templates in this folder."""
