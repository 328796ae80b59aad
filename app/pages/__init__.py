"""The tabs of the studio, one a file: components and wiring only."""
