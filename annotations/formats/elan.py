"""ELAN's .eaf, one clip a file: a tier per annotator with the study's emotions as its controlled vocabulary.

Labels of one annotator that overlap go into a second tier, for ELAN's cannot hold them. Degrees that are no plain
choice, intensities and notes are annotations of dependent tiers. Times are whole milliseconds. Written with
ElementTree, because pympi drops the references into the vocabulary; read with defusedxml, which refuses entities.

Shape: EAF 3.0, https://www.mpi.nl/tools/elan/EAF_Annotation_Format_3.0_and_ELAN.pdf.
"""

import json
import mimetypes
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from annotations.formats import json as own_json
from annotations.formats import shared
from annotations.formats.shared import Losses
from annotations.interchange import FileClip, FileLabel, StudyFile
from annotations.records import AnnotationError

_CLIP = "stf2m clip"
_DETAILS = ("degrees", "intensity", "note")
_CONSTRAINTS = {
    "Time_Subdivision": "Time subdivision of parent annotation's time interval, no time gaps allowed",
    "Symbolic_Subdivision": "Symbolic subdivision of a parent annotation, cannot be linked to a time interval",
    "Symbolic_Association": "1-1 association with a parent annotation",
    "Included_In": "Time alignable annotations within the parent annotation's time interval, gaps are allowed",
}
#: What no XML can hold, in whatever way it is written.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def write(study: StudyFile, losses: Losses) -> bytes:
    """A study of one clip as an ELAN document."""
    root = Element(
        "ANNOTATION_DOCUMENT",
        {
            "AUTHOR": "ST-F2M studio",
            "DATE": datetime.now(UTC).isoformat(timespec="seconds"),
            "FORMAT": "3.0",
            "VERSION": "3.0",
            "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
            "xsi:noNamespaceSchemaLocation": "http://www.mpi.nl/tools/elan/EAFv3.0.xsd",
        },
    )
    _Writer(root, study, losses).write()
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True).replace(b"\r", b"&#13;")


def read(data: bytes, name: str) -> StudyFile:
    """The labels in an ELAN document; ``name`` is that of the file. Raises ``AnnotationError`` in one sentence."""
    try:
        root = fromstring(data, forbid_dtd=True)
    except DefusedXmlException as error:
        raise AnnotationError("The ELAN file has entities or a document type in it, which are not read.") from error
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise AnnotationError(f"The ELAN file is damaged: {error}.") from error
    if root.tag != "ANNOTATION_DOCUMENT":
        raise AnnotationError("The XML file is not an ELAN document.")
    return _Reader(root, name).read()


class _Writer:
    """Fills an empty document; the order of the elements is that of ELAN's schema."""

    def __init__(self, root: Element, study: StudyFile, losses: Losses) -> None:
        self.root, self.study, self.losses = root, study, losses
        self.entries = {emotion: f"cve{number}" for number, emotion in enumerate(study.emotions)}
        self.tiers: set[str] = set()
        self.annotations = 0

    def write(self) -> None:
        self._header(self.study.clips[0])
        order = SubElement(self.root, "TIME_ORDER")
        lanes = [
            (person, number, lane)
            for person, labels in shared.by_annotator(self.study.labels).items()
            for number, lane in enumerate(self._lanes(labels), start=1)
        ]
        moments = sorted(
            (time, *place, end)
            for place in ((at, nth) for at, (_, _, lane) in enumerate(lanes) for nth in range(len(lane)))
            for end, time in enumerate(lanes[place[0]][2][place[1]][1])
        )
        slots = {}
        for number, (time, at, nth, end) in enumerate(moments, start=1):
            slots[at, nth, end] = f"ts{number}"
            SubElement(order, "TIME_SLOT", TIME_SLOT_ID=f"ts{number}", TIME_VALUE=str(time))
        for at, (person, number, lane) in enumerate(lanes):
            refs = [(slots[at, nth, 0], slots[at, nth, 1]) for nth in range(len(lane))]
            self._lane(person, number, [label for label, _ in lane], refs)
        self._types()

    def _lanes(self, labels: Sequence[FileLabel]) -> list[list[tuple[FileLabel, tuple[int, int]]]]:
        timed = [(label, shared.milliseconds(label, self.losses)) for label in labels]
        return shared.lanes(sorted(timed, key=lambda each: each[1]), lambda each: each[1])

    def _header(self, clip: FileClip) -> None:
        kind = mimetypes.guess_type(clip.name)[0] or ("video/mp4" if clip.has_video else "audio/x-wav")
        header = SubElement(self.root, "HEADER", MEDIA_FILE="", TIME_UNITS="milliseconds")
        SubElement(header, "MEDIA_DESCRIPTOR", MEDIA_URL=f"./{quote(clip.name)}", MIME_TYPE=kind)
        SubElement(header, "PROPERTY", NAME=_CLIP).text = json.dumps(vars(clip))

    def _lane(self, person: str, number: int, labels: Sequence[FileLabel], refs: Sequence[tuple[str, str]]) -> None:
        tier = self._tier(shared.tier_name(person, number), "emotion", person)
        dependent: dict[str, Element] = {}
        for label, (start, end) in zip(labels, refs, strict=True):
            reference = {"CVE_REF": self.entries[label.emotion]} if label.emotion in self.entries else {}
            times = {"TIME_SLOT_REF1": start, "TIME_SLOT_REF2": end}
            parent = self._annotation(tier, "ALIGNABLE_ANNOTATION", {**times, **reference}, label.emotion)
            for kind, value in _details(label).items():
                if kind not in dependent:
                    name = tier.attrib["TIER_ID"]
                    dependent[kind] = self._tier(f"{name}: {kind}", kind, person, name)
                self._annotation(dependent[kind], "REF_ANNOTATION", {"ANNOTATION_REF": parent}, value)

    def _tier(self, name: str, kind: str, person: str, under: str = "") -> Element:
        name = _NOT_XML.sub("", name)
        while name in self.tiers:
            name += "'"
        self.tiers.add(name)
        about = {"TIER_ID": name, "LINGUISTIC_TYPE_REF": kind, "ANNOTATOR": self._safe(person)}
        return SubElement(self.root, "TIER", {**about, "PARENT_REF": under} if under else about)

    def _annotation(self, tier: Element, kind: str, attributes: dict[str, str], value: str) -> str:
        self.annotations += 1
        name = f"a{self.annotations}"
        made = SubElement(SubElement(tier, "ANNOTATION"), kind, {"ANNOTATION_ID": name, **attributes})
        SubElement(made, "ANNOTATION_VALUE").text = self._safe(value)
        return name

    def _types(self) -> None:
        self._type("emotion", {"TIME_ALIGNABLE": "true", "CONTROLLED_VOCABULARY_REF": "emotions"})
        for kind in _DETAILS:
            self._type(kind, {"TIME_ALIGNABLE": "false", "CONSTRAINTS": "Symbolic_Association"})
        language = {"LANG_ID": "und", "LANG_DEF": "http://cdb.iso.org/lg/CDB-00130975-001"}
        SubElement(self.root, "LANGUAGE", {**language, "LANG_LABEL": "undetermined (und)"})
        for name, meaning in _CONSTRAINTS.items():
            SubElement(self.root, "CONSTRAINT", {"STEREOTYPE": name, "DESCRIPTION": meaning})
        vocabulary = SubElement(self.root, "CONTROLLED_VOCABULARY", {"CV_ID": "emotions"})
        SubElement(vocabulary, "DESCRIPTION", {"LANG_REF": "und"})
        for emotion, entry in self.entries.items():
            made = SubElement(vocabulary, "CV_ENTRY_ML", {"CVE_ID": entry})
            SubElement(made, "CVE_VALUE", {"LANG_REF": "und", "DESCRIPTION": ""}).text = self._safe(emotion)

    def _type(self, name: str, about: dict[str, str]) -> None:
        SubElement(self.root, "LINGUISTIC_TYPE", {"LINGUISTIC_TYPE_ID": name, "GRAPHIC_REFERENCES": "false", **about})

    def _safe(self, text: str) -> str:
        clean, number = _NOT_XML.subn("\ufffd", text)
        self.losses.add("characters", number)
        return clean


def _details(label: FileLabel) -> dict[str, str]:
    """What dependent tiers hold of a label."""
    degrees = "" if label.degrees == {label.emotion: 1.0} else json.dumps(dict(label.degrees), ensure_ascii=False)
    intensity = "" if label.intensity is None else repr(label.intensity)
    found = {"degrees": degrees, "intensity": intensity, "note": label.note}
    return {kind: value for kind, value in found.items() if value}


class _Reader:
    """Reads the tiers of a document that no other tier stands over, with the details under them."""

    def __init__(self, root: Element, name: str) -> None:
        self.root = root
        self.clip = _clip(root, name)
        self.own = root.find(f"HEADER/PROPERTY[@NAME='{_CLIP}']") is not None
        self.times = {
            slot.get("TIME_SLOT_ID"): slot.get("TIME_VALUE") for slot in root.iterfind("TIME_ORDER/TIME_SLOT")
        }
        self.kinds = {each.get("LINGUISTIC_TYPE_ID"): each for each in root.iterfind("LINGUISTIC_TYPE")}
        self.vocabularies = {cv.get("CV_ID"): _entries(cv) for cv in root.iterfind("CONTROLLED_VOCABULARY")}
        self.details = self._all_details()
        self.empty = 0

    def read(self) -> StudyFile:
        tiers = [tier for tier in self.root.iterfind("TIER") if not tier.get("PARENT_REF")]
        listed = [tier for tier in tiers if self._vocabulary(tier)]
        names = {tier.get("TIER_ID", "") for tier in tiers}
        labels = list(shared.few_enough(label for tier in listed or tiers for label in self._tier(tier, names)))
        vocabularies = {id(each): each for each in map(self._vocabulary, listed)}
        emotions = dict.fromkeys(entry for each in vocabularies.values() for entry in each.values())
        if self.own and not listed:
            emotions = dict.fromkeys(self.vocabularies.get("emotions", {}).values())
        found = shared.of_one_clip(self.clip, labels, emotions)
        return replace(found, left_out=tuple(self._left_out(tiers, listed)))

    def _left_out(self, tiers: Sequence[Element], listed: Sequence[Element]) -> Iterator[str]:
        taken, read = set(tiers), set(listed)
        others = [tier for tier in self.root.iterfind("TIER") if tier not in taken and not self._is_detail(tier)]
        if listed:
            others += [tier for tier in tiers if tier not in read]
        if others:
            yield shared.tiers_left_out([tier.get("TIER_ID", "") for tier in others], "without a list of labels")
        if self.empty:
            yield f"{shared.left_out(self.empty, 'annotation without a value')}."

    def _vocabulary(self, tier: Element) -> dict[str | None, str]:
        kind = self.kinds.get(tier.get("LINGUISTIC_TYPE_REF"))
        return self.vocabularies.get(kind.get("CONTROLLED_VOCABULARY_REF"), {}) if kind is not None else {}

    def _is_detail(self, tier: Element) -> bool:
        return tier.get("LINGUISTIC_TYPE_REF") in _DETAILS

    def _all_details(self) -> dict[str | None, dict[str, str]]:
        """What the dependent tiers say, by the annotation that it is about."""
        found: dict[str | None, dict[str, str]] = {}
        for tier in filter(self._is_detail, self.root.iterfind("TIER")):
            for each in tier.iterfind("ANNOTATION/REF_ANNOTATION"):
                kind = tier.get("LINGUISTIC_TYPE_REF", "")
                found.setdefault(each.get("ANNOTATION_REF"), {})[kind] = each.findtext("ANNOTATION_VALUE") or ""
        return found

    def _tier(self, tier: Element, names: Collection[str]) -> Iterator[FileLabel]:
        name, vocabulary = tier.get("TIER_ID", ""), self._vocabulary(tier)
        person = tier.get("ANNOTATOR") or shared.annotator_of(name, names)
        for each in tier.iterfind("ANNOTATION/ALIGNABLE_ANNOTATION"):
            where = f"Annotation {each.get('ANNOTATION_ID')} of tier {name[:50]!r}"
            value = each.findtext("ANNOTATION_VALUE") or ""
            emotion = vocabulary.get(each.get("CVE_REF")) or " ".join(value.split())
            if not emotion:
                self.empty += 1
                continue
            start_s, end_s = self._time(each, "TIME_SLOT_REF1", where), self._time(each, "TIME_SLOT_REF2", where)
            details = self.details.pop(each.get("ANNOTATION_ID"), {})  # of one annotation only
            degrees, intensity = _number_of(details, "degrees", where), _number_of(details, "intensity", where)
            plain = {emotion: 1.0}
            yield FileLabel(self.clip, person, start_s, end_s, degrees or plain, intensity, details.get("note", ""))

    def _time(self, annotation: Element, which: str, where: str) -> float:
        value = self.times.get(annotation.get(which)) or ""
        if not re.fullmatch("-?[0-9]{1,12}", value):
            raise AnnotationError(f"{where} has no {'start' if which.endswith('1') else 'end'} in milliseconds.")
        return int(value) / 1000


def _number_of(details: Mapping[str, str], kind: str, where: str) -> Any:
    """The degrees or the intensity in a dependent annotation; None where there is none."""
    text = details.get(kind)
    if not text:
        return None
    found = own_json.parse(text.encode())
    numbers = [own_json.number(each) for each in (found.values() if isinstance(found, dict) else [found])]
    if None in numbers or isinstance(found, dict) != (kind == "degrees"):
        raise AnnotationError(f"{where} has {kind} that cannot be read: {text[:50]!r}.")
    return dict(zip(found, numbers, strict=True)) if isinstance(found, dict) else numbers[0]


def _entries(vocabulary: Element) -> dict[str | None, str]:
    """The entries of a vocabulary by their ids, of both versions of the format."""
    old = {entry.text: entry.text or "" for entry in vocabulary.iterfind("CV_ENTRY")}
    new = {entry.get("CVE_ID"): entry.findtext("CVE_VALUE") or "" for entry in vocabulary.iterfind("CV_ENTRY_ML")}
    return {key: " ".join(value.split()) for key, value in {**old, **new}.items() if value.strip()}


def _clip(root: Element, name: str) -> FileClip:
    told = root.findtext(f"HEADER/PROPERTY[@NAME='{_CLIP}']")
    if told:
        return own_json.clip(own_json.parse(told.encode()), "The ELAN file")
    media = root.find("HEADER/MEDIA_DESCRIPTOR")
    url = (media.get("RELATIVE_MEDIA_URL") or media.get("MEDIA_URL", "")) if media is not None else ""
    return FileClip(unquote(shared.file_of(url)) or name)
