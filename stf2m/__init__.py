"""ST-F2M: fine-grained emotion recognition in video from a few corrections.

The road of the data: :mod:`stf2m.media` reads a file, :mod:`stf2m.views` makes a track of each modality,
:mod:`stf2m.segments` cuts tracks into views, :mod:`stf2m.model` turns views into degrees of membership, and
:mod:`stf2m.adaptation` learns from corrections.
"""
