"""Widgets of our own, each in its folder: Python, HTML, JavaScript and CSS."""
