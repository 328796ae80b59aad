"""The order of work: why each clip of a study is worth a look, and which comes first."""
