import math

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from stf2m.fuzzy import MOST_CONDITIONS, TERMS, Bells, FuzzyRules

anything = st.floats(-6, 6)


def bells_of(lowest: float, gaps: tuple[float, float], width: float, slope: float) -> Bells:
    bells = Bells(1).double()
    with torch.no_grad():
        bells.lowest.fill_(lowest)
        bells.raw_gaps.copy_(torch.tensor([gaps]))
        bells.raw_width.fill_(width)
        bells.raw_slope.fill_(slope)
    return bells


@settings(max_examples=200, deadline=None)
@given(lowest=anything, gaps=st.tuples(anything, anything), width=anything, slope=anything)
def test_the_words_stay_true_for_any_parameters(lowest, gaps, width, slope) -> None:
    bells = bells_of(lowest, gaps, width, slope)
    centres = bells.centres()[0]
    assert (centres.diff() > 0).all()
    x = torch.linspace(-20, 20, 401).double()[:, None]
    mu = bells.log_membership(x)[:, 0].exp()
    assert ((mu >= 0) & (mu <= 1)).all()
    assert (mu[:, 0].diff() <= 1e-9).all(), "a larger value is never more low"
    assert (mu[:, 2].diff() >= -1e-9).all(), "a larger value is never less high"
    at_centres = bells.log_membership(centres[:, None])[:, 0].exp()
    assert (at_centres.diagonal() >= at_centres.amax(dim=1) - 1e-9).all(), "the term itself fits its centre best"


@settings(max_examples=50, deadline=None)
@given(lowest=anything, gaps=st.tuples(anything, anything), width=anything, slope=anything, x=st.floats(-10, 10))
def test_a_bell_is_the_formula(lowest, gaps, width, slope, x) -> None:
    bells = bells_of(lowest, gaps, width, slope)
    c, a, b = bells.centres()[0, 1].item(), bells.widths().item(), bells.slopes().item()
    expected = 1 / (1 + (abs(x - c) / a) ** (2 * b))
    assert math.isclose(
        bells.log_membership(torch.tensor([[x]]).double())[0, 0, 1].exp().item(), expected, abs_tol=2e-6
    )


def test_fitted_terms_cross_near_one_half_and_speak_natural_units() -> None:
    bells = Bells(2)
    bells.fit(torch.tensor([0.0, 100.0]), torch.tensor([0.5, 200.0]), torch.tensor([1.0, 300.0]))
    natural = bells.centres() * bells.scale[:, None] + bells.offset[:, None]
    torch.testing.assert_close(natural, torch.tensor([[0.0, 0.5, 1.0], [100.0, 200.0, 300.0]]), atol=1e-2, rtol=1e-3)
    mu = bells.log_membership(bells.standardise(torch.tensor([[0.25, 150.0]]))).exp()
    torch.testing.assert_close(mu[0, :, 0], mu[0, :, 1], atol=0.01, rtol=0.05)


def rules_with(variables: int = 5, rules: int = 6, seed: int = 0) -> FuzzyRules:
    torch.manual_seed(seed)
    made = FuzzyRules(Bells(variables), rules, 3, groups=[0, 0, 1, 1, 1][:variables]).double()
    with torch.no_grad():
        made.gate_logits.normal_()
    return made


def reference_firing(rules: FuzzyRules, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The definition, in plain loops and double precision."""
    centres, widths, slopes = (
        t.detach().numpy() for t in (rules.bells.centres(), rules.bells.widths(), rules.bells.slopes())
    )
    gates, terms = rules.gate_logits.detach().numpy(), rules.term_logits.detach().numpy()
    strength = np.zeros((len(x), len(gates)))
    for row in range(len(x)):
        for rule in range(len(gates)):
            ranked = sorted(range(x.shape[1]), key=lambda v: -gates[rule, v])
            conditions = [v for v in ranked[:MOST_CONDITIONS] if gates[rule, v] > 0] or ranked[:1]
            total, measured = 0.0, 0
            for v in conditions:
                if not math.isnan(x[row, v]):
                    term = int(terms[rule, v].argmax())
                    away = x[row, v] - centres[v, term]
                    away = max(away, 0) if term == 0 else max(-away, 0) if term == 2 else away
                    total += -math.log(1 + (abs(away) / widths[v]) ** (2 * slopes[v]))
                    measured += 1
            strength[row, rule] = math.exp(total / measured) * measured / len(conditions) if measured else 0.0
    powered = strength ** math.exp(rules.log_sharpness.item())
    return strength, powered / np.maximum(powered.sum(axis=1, keepdims=True), 1e-300)


def test_firing_is_the_definition_even_with_missing_cues() -> None:
    rules, random = rules_with(), np.random.default_rng(0)
    x = random.normal(size=(40, 5))
    x[random.random(x.shape) < 0.4] = np.nan
    x[3] = np.nan
    firing = rules.fire(torch.from_numpy(x))
    strength, normalised = reference_firing(rules, x)
    np.testing.assert_allclose(firing.log_strength.exp().detach().numpy(), strength, atol=1e-5)
    np.testing.assert_allclose(firing.normalised.detach().numpy(), normalised, atol=1e-5)
    assert not firing.normalised[3].any(), "where nothing can be measured no rule fires"


def test_a_rule_reads_as_one_to_four_conditions() -> None:
    conditions = rules_with(rules=50).conditions().sum(dim=1)
    assert (conditions.round() == conditions).all()
    assert 1 <= conditions.min() <= conditions.max() <= MOST_CONDITIONS
    assert torch.equal(rules_with().terms().sum(dim=-1), torch.ones(6, 5).double())
    assert len(TERMS) == 3


def test_gradients_of_bells_and_firing_are_right() -> None:
    bells = Bells(3).double()
    x = torch.tensor([[0.31, -0.47, 1.9], [-2.2, 0.6, 0.13]]).double().requires_grad_()
    parameters = (bells.lowest, bells.raw_gaps, bells.raw_width, bells.raw_slope)

    def membership(x, *_):
        return bells.log_membership(x)

    assert torch.autograd.gradcheck(membership, (x, *parameters))
    rules = rules_with()
    x = torch.randn(4, 5, generator=torch.Generator().manual_seed(3)).double().requires_grad_()

    def firing(x, *_):
        fired = rules.fire(x)
        return torch.einsum("nr,nrp->np", fired.normalised, rules.answers(x))

    smooth = (rules.log_sharpness, rules.constant, rules.bells.raw_width, rules.bells.lowest)
    assert torch.autograd.gradcheck(firing, (x, *smooth))


def test_the_hard_gates_can_still_be_learned() -> None:
    rules = rules_with()
    rules.fire(torch.randn(4, 5).double()).normalised[:, 0].sum().backward()
    assert rules.gate_logits.grad is not None
    assert rules.term_logits.grad is not None
    assert rules.gate_logits.grad.abs().sum() > 0
    assert rules.term_logits.grad.abs().sum() > 0


def test_a_rule_answers_from_the_modalities_it_speaks_of() -> None:
    rules = rules_with()
    with torch.no_grad():
        rules.gate_logits.fill_(-3)
        rules.gate_logits[:, 0] = 2
    x = torch.zeros(1, 5).double()
    changed = x.clone()
    changed[:, 2:] = 1.0
    assert torch.equal(rules.answers(x), rules.answers(changed))
    changed[:, 1] = 1.0
    assert not torch.allclose(rules.answers(x), rules.answers(changed))
