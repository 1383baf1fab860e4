"""Small sites of other frameworks, for the comparison of servers; each has the list of requests to send."""
