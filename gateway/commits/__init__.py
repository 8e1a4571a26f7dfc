"""The one way in which a room changes, and the account that is kept of it."""
