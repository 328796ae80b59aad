"""Modalities: each module turns a clip into a track. A new modality is one new file, named in the registry here."""

from stf2m.tracks import Modality
from stf2m.views import face, text, voice

#: Every modality by its name, in the order used on screens.
MODALITIES: dict[str, Modality] = {module.MODALITY.name: module.MODALITY for module in (face, voice, text)}
