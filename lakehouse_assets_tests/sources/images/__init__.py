"""Images are read as strangers' files are."""
