"""Training steps and scores on a GPU, real or pretended, equal those on the CPU, and a step waits for nothing."""

import pytest
import torch

from uhn.data.streams import TrainingStreams
from uhn.recurrent.config import CELLS, RecurrentConfig
from uhn.recurrent.evaluation import bits_per_character
from uhn.recurrent.model import SequenceModel, detach_state, next_character_loss, restart

TEXT = torch.randint(6, (31,), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def pretended(pretend_gpu, monkeypatch):
    """The pretended GPU. Its tensors cannot be viewed in inference mode, a limit of torch's interface, not of GPUs."""
    monkeypatch.setattr(torch, "inference_mode", torch.no_grad)
    return pretend_gpu


@pytest.fixture(params=["pretend", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request):
    if request.param == "pretend":
        request.getfixturevalue("pretended")
    return torch.device(request.param, 0)


def build_model(cell, **options):
    torch.manual_seed(0)
    sizes = {"units": 8, "hyper_units": 4, "embedding_dim": 2, "layer_norm": True}
    return SequenceModel(RecurrentConfig(cell=cell, **sizes, **options), 6, 6)


def train(model, text):
    streams = TrainingStreams(text, streams=3, length=5)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    state = None
    for step in range(3):  # two chunks, then the first one again
        chunk = streams.chunk(step)
        logits, state = model(chunk.inputs, restart(model, state, chunk.starts))
        state = detach_state(state)
        loss = next_character_loss(logits, chunk.targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss


@pytest.mark.parametrize("cell", CELLS)
def test_training_steps(cell, device):
    expected_model, model = build_model(cell), build_model(cell).to(device)
    expected, loss = train(expected_model, TEXT), train(model, TEXT.to(device))
    torch.testing.assert_close(loss.cpu(), expected, rtol=1e-5, atol=1e-6)
    for found, wanted in zip(model.parameters(), expected_model.parameters(), strict=True):
        torch.testing.assert_close(found.detach().cpu(), wanted.detach(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("cell", CELLS)
def test_a_step_with_dropout_waits_for_nothing(cell, pretended):
    model = build_model(cell, recurrent_keep=0.5, input_keep=0.5, output_keep=0.5).to(pretended.device)
    text = TEXT.to(pretended.device)
    pretended.waits.clear()
    train(model, text)
    assert pretended.waits == []


@pytest.mark.parametrize("cell", CELLS)
def test_scores(cell, device):
    model = build_model(cell)
    expected = bits_per_character(model, TEXT, streams=3, length=5, warm_up=4)
    found = bits_per_character(model.to(device), TEXT.to(device), streams=3, length=5, warm_up=4)
    assert found == pytest.approx(expected, 1e-5)
