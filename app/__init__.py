"""The studio: what a person sees and does. It knows the library and the annotation store; neither knows it."""
