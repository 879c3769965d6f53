//! The JSON of /api/v2.0, shared by the server and the command line.
