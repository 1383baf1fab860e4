"""The nodes of compiled types: each loads, dumps and describes the values of one type."""
