"""What generation costs: every route against the authors' arithmetic, in one run on one machine.

Workers are processes of their own (allocator settings and peak memory belong to a process); the driver runs them
interleaved, so that a machine that slows down for a while slows all routes, and forms ratios within a round.
"""
