"""Data sets of the paper, loaded by split: code that trains asks for no test split."""
