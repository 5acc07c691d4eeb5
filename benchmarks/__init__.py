"""Speed and size, measured beside what people would use otherwise. `make bench` runs all of it."""
