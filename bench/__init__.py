"""What `make bench` measures: how long things take as ratios to a named peer, in one run on one machine."""
