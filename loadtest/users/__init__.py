"""The users: one file a kind. Importing one imports Locust, which patches the process."""
