"""What is measured, one module a piece of work; each runs in a fresh process and answers with its numbers."""
