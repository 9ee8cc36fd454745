"""The catalogue over HTTP: the only part that knows of requests and pages."""
