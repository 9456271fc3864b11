"""The files of a run: their names, reading, writing, what is in progress, where the numbers come from. Torch-free."""
