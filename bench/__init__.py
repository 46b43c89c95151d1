"""Benchmarks: is it any good?"""
