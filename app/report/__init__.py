"""All about a clip in one HTML file that opens offline: no script, nothing from outside, light, dark and on paper."""
