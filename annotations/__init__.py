"""Studies, clips, annotators, annotations, events and model versions in one database. No screen and no model."""
