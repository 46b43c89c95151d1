"""Coding of samples as they are: PREDICTIVE.md."""
