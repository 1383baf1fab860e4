"""Plugins of Turnbuckle: alternative parts for the core's slots. Each plugin is a module or a folder."""
