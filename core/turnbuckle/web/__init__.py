"""What handlers see and return: requests, responses, content, cookies, and the middleware between them."""
