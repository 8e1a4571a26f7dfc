"""Load by Locust: readers on every road, each with the staleness that it saw."""
