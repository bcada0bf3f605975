"""Networks: their cards, the pipeline from a picture to a mask, and the worker process."""
