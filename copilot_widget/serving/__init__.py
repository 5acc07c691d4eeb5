"""Processes that serve: the worker, and the HTTP server in front of the runs."""
