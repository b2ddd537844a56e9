"""Reads conversations, finds why users fail, proposes changes and measures them."""
