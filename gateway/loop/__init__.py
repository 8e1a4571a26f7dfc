"""The event loop: detached tasks, deadlines of very many, and how late it is."""
