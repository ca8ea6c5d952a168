"""A simulated KRX option feed: realistic ticks with known faults, reproducible to the byte."""
