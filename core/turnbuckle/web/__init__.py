"""The types that handlers use: requests, responses, content, cookies, and the middleware between them."""
