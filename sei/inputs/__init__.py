"""Where live streams come from: byte sources over the network, files, standard input."""
