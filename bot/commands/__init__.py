"""One function per command: reads what it needs, calls the pipeline, shows the result."""
