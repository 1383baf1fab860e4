"""From what an app and its plugins say to one frozen plan, once, before the first request. The only owner of pluggy."""
