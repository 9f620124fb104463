"""Models trained on data: one descent, where the loss is an average over rows."""
