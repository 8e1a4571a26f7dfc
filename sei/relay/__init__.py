"""Many live streams with state inside: a supervisor, its workers, what they tell each other."""
