"""WHERE ticks come from: one adapter a feed, the simulator, and the scan of landed files."""
