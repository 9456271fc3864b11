"""Models that nobody here wrote: those of the package `transformers`, small and without downloads.

The package is optional: `pip install .[transformers]`. Importing it takes seconds, so these tests are slow ones.
"""

import copy

import numpy as np
import pytest
import torch

import uhn
from uhn.adapted.ranges import with_headroom
from uhn.configuration.generators import UHNConfig
from uhn.hypernetworks.uhn import UHN
from uhn.training.initialise import statistics_loss

pytestmark = pytest.mark.slow

IMAGES = {"pixel_values": (2, 3, 32, 32)}
IDS = {"input_ids": (2, 6)}
SMALL_TEXT = {"vocab_size": 23, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
# Model class, configuration class, its sizes, inputs, and parameters that the loss does not reach.
MODELS = {
    "resnet": (
        "ResNetForImageClassification",
        "ResNetConfig",
        {"embedding_size": 4, "hidden_sizes": [4, 8], "depths": [1, 1], "layer_type": "basic", "num_labels": 3},
        IMAGES,
    ),
    "vit": (
        "ViTForImageClassification",
        "ViTConfig",
        {
            "hidden_size": 8,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 12,
            "image_size": 32,
            "patch_size": 8,
            "num_labels": 3,
        },
        IMAGES,
    ),
    "convnext": (
        "ConvNextForImageClassification",
        "ConvNextConfig",
        {"hidden_sizes": [4, 6, 8, 8], "depths": [1, 1, 1, 1], "num_labels": 3},
        IMAGES,
    ),
    "mobilenet_v2": (
        "MobileNetV2ForImageClassification",
        "MobileNetV2Config",
        {"depth_multiplier": 0.1, "min_depth": 4, "num_labels": 3, "finegrained_output": False},
        IMAGES,
    ),
    "gpt2": (
        "GPT2LMHeadModel",
        "GPT2Config",
        {**SMALL_TEXT, "n_layer": 2, "n_head": 2, "n_embd": 8, "n_positions": 12},
        IDS,
    ),
    "bert": (
        "BertForSequenceClassification",
        "BertConfig",
        {
            **SMALL_TEXT,
            "hidden_size": 8,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 12,
            "max_position_embeddings": 12,
            "num_labels": 3,
        },
        IDS,
    ),
    "wav2vec2": (
        "Wav2Vec2ForSequenceClassification",
        "Wav2Vec2Config",
        {
            "hidden_size": 8,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "intermediate_size": 12,
            "conv_dim": [4, 4],
            "conv_stride": [5, 2],
            "conv_kernel": [10, 3],
            "num_feat_extract_layers": 2,
            "num_conv_pos_embeddings": 4,
            "num_conv_pos_embedding_groups": 2,
            "classifier_proj_size": 4,
            "num_labels": 3,
            "apply_spec_augment": False,
        },
        {"input_values": (2, 400)},
    ),
}


def build(name):
    transformers = pytest.importorskip("transformers")
    model_class, config_class, sizes, shapes = MODELS[name]
    torch.manual_seed(0)
    model = getattr(transformers, model_class)(getattr(transformers, config_class)(**sizes))
    inputs = {
        key: torch.randint(3, 23, shape) if key == "input_ids" else torch.randn(shape) for key, shape in shapes.items()
    }
    return model, inputs


@pytest.mark.parametrize("name", MODELS)
def test_adapts_and_trains_a_step(name):
    model, inputs = build(name)
    before = copy.deepcopy(model.state_dict())
    parameters = {n: p for n, p in model.named_parameters() if p.requires_grad}
    target = uhn.adapt(model)
    assert len(np.unique(target.index_table(), axis=0)) == target.num_params
    assert target.num_params == sum(p.numel() for p in parameters.values())
    again = target.unflatten(target.flatten(parameters))
    assert all(torch.equal(again[n], p) for n, p in parameters.items())

    own = target.eval().run({n: p.detach() for n, p in parameters.items()}, **inputs).logits
    torch.testing.assert_close(own, model.eval()(**inputs).logits)

    generator = UHN(UHNConfig(index_frequencies=32, hidden_dim=16), target.ranges())
    optimizer = torch.optim.Adam(generator.parameters(), 1e-3)
    statistics = []
    for _ in range(10):  # as the initialisation phase does
        statistics.append(loss := statistics_loss(target, generator(target)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert statistics[-1] < 0.8 * statistics[0]
    logits = target.train().run(generator(target), **inputs).logits
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, -2), torch.zeros(len(logits.flatten(0, -2)), dtype=int))
    optimizer.zero_grad()
    loss.backward()
    assert all(p.grad.isfinite().all() for p in generator.parameters())
    optimizer.step()

    weights = generator(target)
    made = target.eval().materialise(weights)
    model.load_state_dict(made.state_dict(), strict=True)
    torch.testing.assert_close(model(**inputs).logits, target.run(weights, **inputs).logits, rtol=1e-4, atol=1e-5)
    model.load_state_dict(before)


def test_weights_that_gpt2_ties_are_saved_once(tmp_path):
    from safetensors.torch import load_model

    model, inputs = build("gpt2")
    target = uhn.adapt(model.eval())
    assert "lm_head.weight" not in target.shapes
    weights = target.unflatten(0.1 * torch.randn(target.num_params))
    target.save(weights, tmp_path / "gpt2.safetensors")
    load_model(model, tmp_path / "gpt2.safetensors")
    torch.testing.assert_close(model(**inputs).logits, target.run(weights, **inputs).logits)
    assert model.lm_head.weight is model.transformer.wte.weight


def test_a_family_of_vits():
    small, _ = build("vit")
    ranges = uhn.adapt(small).ranges()
    large = uhn.adapt(type(small)(type(small.config)(**{**small.config.to_dict(), "num_hidden_layers": 3})))
    widened = with_headroom(ranges, layer_idx=large.ranges().index_max[0])
    assert UHN(UHNConfig(index_frequencies=8, hidden_dim=4), widened)(large).keys() == large.shapes.keys()
