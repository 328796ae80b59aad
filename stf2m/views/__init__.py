"""Modalities: each module turns a clip into a track. A new modality is one new file, named in the registry here."""
