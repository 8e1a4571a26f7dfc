"""One module for each channel, behind one interface (``source.Source``)."""
