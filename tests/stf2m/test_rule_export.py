"""Rules taken away say what the rules are: the JSON by its schema, CSV and LaTeX read by others' readers."""

import csv
import io
import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pylatexenc.latex2text import LatexNodes2Text

from stf2m import rule_export
from tests.stf2m import made

SCHEMA = json.loads((Path(__file__).resolve().parents[2] / "docs" / "rules.schema.json").read_text(encoding="utf-8"))
NAMES = ["happy", "=HYPERLINK(1)", r"50% \input{x} & $so$ <b>_^~#"]

untrained = made.untrained


@pytest.fixture(scope="module")
def adapted(untrained):
    support, degrees = made.emotional(untrained, 4, 3)
    return untrained.adapt(support, degrees, NAMES)


def test_the_json_keeps_to_the_schema_and_the_schema_can_refuse(adapted) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    found = json.loads(rule_export.as_json(rule_export.document(adapted)))
    jsonschema.validate(found, SCHEMA)
    assert [each["number"] for each in found["rules"]] == [rule.number for rule in adapted.rules()]
    found["rules"][0]["consequent"]["happy"] = 1.2
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(found, SCHEMA)


def test_the_memberships_are_the_curves_that_the_model_uses(adapted) -> None:
    for each in rule_export.document(adapted)["memberships"]:
        x, curves = adapted.membership_curves(each["cue"], 50)
        assert list(curves) == [term["name"] for term in each["terms"]]
        for term in each["terms"]:
            away = np.abs((x - term["centre"]) / term["width"])
            beyond = {"below": x < term["centre"], "": np.zeros(len(x), bool), "above": x > term["centre"]}[
                term["open"]
            ]
            mu = np.where(beyond, 1.0, 1 / (1 + away ** (2 * term["slope"])))
            np.testing.assert_allclose(mu, curves[term["name"]], atol=1e-4)


def test_the_csv_has_every_condition_with_its_curve_and_no_formula(adapted) -> None:
    found = rule_export.document(adapted)
    rows = list(csv.DictReader(io.StringIO(rule_export.as_csv(found))))
    assert len(rows) == sum(len(rule["conditions"]) for rule in found["rules"])
    first, rule = rows[0], found["rules"][0]
    assert (int(first["rule"]), first["text"]) == (rule["number"], rule["text"])
    assert float(first["degree of happy"]) == pytest.approx(rule["consequent"]["happy"])
    terms = {(each["cue"], term["name"]): term for each in found["memberships"] for term in each["terms"]}
    for row in rows:
        assert float(row["centre"]) == pytest.approx(terms[row["cue"], row["term"]]["centre"])
    assert not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row.values())
    renamed = {**found, "rules": [{**rule, "text": "=1+1"}]}
    assert next(csv.DictReader(io.StringIO(rule_export.as_csv(renamed))))["text"] == "'=1+1"


def test_the_latex_tables_print_the_rules_and_nothing_of_people_is_a_command(adapted) -> None:
    text = rule_export.as_latex(rule_export.document(adapted))
    assert r"\input" not in text
    rows = [line for line in text.splitlines() if line.endswith(r" \\") and not line.startswith(r"\toprule")]
    assert len(rows) == len(adapted.rules()) + len({each.cue for rule in adapted.rules() for each in rule.conditions})
    # Where an ampersand divides columns no backslash stands before it: five columns of rules, six of memberships.
    assert {line.replace(r"\&", "").count("&") for line in rows} == {4, 5}
    printed = LatexNodes2Text().latex_to_text(text)
    assert "happy" in printed
    assert "50%" in printed
    document = rule_export.document(adapted)
    document["rules"][0] |= {"written_by": "R&D", "off": True}
    assert r" (written by R\&D, off) & " in rule_export.as_latex(document)
    for name in ("booktabs", r"\toprule", r"\midrule", r"\bottomrule"):
        assert name in text


@given(st.text(r"aZé漢\{}$&#_%~^<>|*[]()/=+;:.,@", max_size=20))
def test_any_name_is_printed_as_it_is(text: str) -> None:
    printed = LatexNodes2Text().latex_to_text(rule_export.escaped(f"x{text}x"))
    assert printed.replace("ˆ", "^") == f"x{text}x"
