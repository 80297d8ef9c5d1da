"""Benchmarks that set edgetl beside what people would do by hand. Not part of the package that is installed."""
