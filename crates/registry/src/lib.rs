//! What the product does, without HTTP.
