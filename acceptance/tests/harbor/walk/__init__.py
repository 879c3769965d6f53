"""harborapi against the server under test, call by call."""
