"""Access to test_vectors.json: numbers of an independent implementation written from the paper's facts."""

import json
from pathlib import Path

import torch

VECTORS = json.loads((Path(__file__).parent / "test_vectors.json").read_text())

# Names in the file -> names of the registry.
MODEL_NAMES = {
    "mlp_mnist": "mnist_mlp",
    "cnn20_cifar10": "cifar10_cnn20",
    "cnn32_cifar10": "cifar10_cnn32",
    "cnn56_cifar10": "cifar10_cnn56",
    "gcn_cora": "cora_gcn",
    "gat_cora": "cora_gat",
    "gcn_citeseer": "citeseer_gcn",
    "gcn_pubmed": "pubmed_gcn",
    "gat_pubmed": "pubmed_gat",
    "transformer1l_imdb": "imdb_transformer1l",
    "kan_kv": "kan_kv",
    "kan_jv": "kan_jv",
    "generated_uhn": "generated_uhn",
}
INPUT_SHAPES = {
    "mlp_mnist": [(2, 1, 28, 28)],
    "cnn20_cifar10": [(2, 3, 32, 32)],
    "cnn32_cifar10": [(2, 3, 32, 32)],
    "cnn56_cifar10": [(2, 3, 32, 32)],
    "gcn_cora": [(5, 1433)],
    "gat_cora": [(5, 1433)],
    "gcn_citeseer": [(5, 3703)],
    "gcn_pubmed": [(5, 500)],
    "gat_pubmed": [(5, 500)],
    "kan_kv": [(4, 2)],
    "kan_jv": [(4, 2)],
    "generated_uhn": [(1, 5, 64), (3, 2048)],
}


def weight_fill(count):
    """w[k] = 0.1 * (((k * 7919) mod 1009) / 504 - 1)"""
    k = torch.arange(count, dtype=torch.int64)
    return 0.1 * ((k * 7919 % 1009).double() / 504 - 1)


def input_fill(*shape):
    """x[k] = ((k * 6007) mod 1013) / 506 - 1, row-major"""
    k = torch.arange(torch.Size(shape).numel(), dtype=torch.int64)
    return ((k * 6007 % 1013).double() / 506 - 1).view(shape)


def forward_inputs(key):
    """Inputs of a model's reference forward pass, as the file's setup states them."""
    if key.startswith("transformer"):
        ids = (37 * torch.arange(24) + 2) % 5000
        ids = ids.view(2, 12)
        ids[:, 0] = 2
        ids[1, 7:] = 1
        return [ids]
    inputs = [input_fill(*shape) for shape in INPUT_SHAPES[key]]
    if key.startswith(("gcn", "gat")):
        graph = VECTORS["base_model_forward"]["setup"]["graph"]
        inputs.append(torch.tensor([graph["edge_index_src"], graph["edge_index_dst"]]))
    return inputs
