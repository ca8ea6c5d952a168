"""Networks learn, repeat themselves, and are judged."""
