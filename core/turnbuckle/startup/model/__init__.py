"""The words that the stages of startup share."""
