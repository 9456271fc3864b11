"""From result files to tables. Nothing here imports torch: reporting knows only files and plain data."""
