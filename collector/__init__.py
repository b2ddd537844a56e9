"""Receives OpenTelemetry, keeps it, and turns it into conversations."""
