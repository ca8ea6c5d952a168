"""WHERE tables lie: how a table is read at a pinned snapshot, staged, judged and published in one commit."""
