"""Load by Locust: readers on every channel, each with the staleness that it saw."""
