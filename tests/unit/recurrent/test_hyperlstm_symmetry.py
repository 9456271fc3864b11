"""The paper's initialisation leaves the scales one effective embedding entry; another start uses all."""

import pytest
import torch

from uhn.recurrent.config import RecurrentConfig
from uhn.recurrent.hyperlstm import HyperLSTMCell
from uhn.recurrent.model import SequenceModel, next_character_loss
from uhn.recurrent.symmetry import column_spread, effective_rank


def train(embedding_dim, z_init_std, steps=25):
    torch.manual_seed(0)
    config = RecurrentConfig(
        units=24, hyper_units=16, embedding_dim=embedding_dim, layer_norm=True, z_init_std=z_init_std
    )
    model = SequenceModel(config, 20, 20)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    start = model.cells[0].projection_weight.detach().clone()
    for _ in range(steps):
        x = torch.randint(20, (10, 8))
        optimizer.zero_grad()
        next_character_loss(model(x)[0], (3 * x + 1) % 20).backward()
        optimizer.step()
    cell = model.cells[0]
    assert ((cell.projection_weight - start).abs() > 1e-3).float().mean() > 0.9  # it did train
    return cell


@pytest.mark.parametrize("embedding_dim", [2, 4, 16])
def test_printed_start_keeps_all_columns_equal(embedding_dim):
    cell = train(embedding_dim, 0.0)
    for role in (0, 1):
        columns = cell.projection_weight[role]
        assert torch.equal(columns, columns[:, :, :1].expand_as(columns))
        rows = cell.embedding_weight[role]
        assert torch.equal(rows, rows[:, :1].expand_as(rows))
    assert (column_spread(cell)[:2] == 0).all()
    assert effective_rank(cell).tolist() == [[1] * 4, [1] * 4, [embedding_dim] * 4]


def test_random_start_uses_all_columns():
    cell = train(4, 0.01)
    assert effective_rank(cell).tolist() == [[4] * 4] * 3
    assert (column_spread(cell)[:2] > 1e-3).all()


def test_rank_and_spread_of_known_matrices():
    cell = HyperLSTMCell(5, RecurrentConfig(units=6, hyper_units=3, embedding_dim=3))
    assert effective_rank(cell).tolist() == [[1] * 4, [1] * 4, [0] * 4]
    with torch.no_grad():
        cell.projection_weight[0, 0] = torch.eye(6, 3)
        cell.projection_weight[0, 1] = torch.eye(6, 3) * torch.tensor([1.0, 1e-3, 0.0])
        cell.projection_weight[0, 2] = torch.eye(6, 3) * torch.tensor([1.0, 1e-9, 0.0])  # below float32's rounding
        cell.projection_weight[0, 3] = torch.tensor([1.0, 2.0, 3.0])
    assert effective_rank(cell)[0].tolist() == [3, 2, 1, 1]
    # columns 1, 2, 3: mean 2, deviations -1, 0, 1 -> sqrt(2 / 12)
    assert column_spread(cell)[0, 3].item() == pytest.approx((2 / 12) ** 0.5)
