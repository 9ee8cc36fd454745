"""The change log over HTTP: event_text, event_stream, endpoint."""
