"""Tasks: data, loss and metrics, by kind. Targets and generators are none of their business."""
