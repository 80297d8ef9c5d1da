"""The report as one page that needs no network, and the same page served with the shipped network running in it."""
