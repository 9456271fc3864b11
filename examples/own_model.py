"""One UHN for a residual CNN of one's own, beside direct training: python examples/own_model.py FOLDER [STEPS]."""

import sys

import torch
from images import accuracy, draw_batches, load_split, train_directly
from torch import nn

import uhn


class Residual(nn.Sequential):
    def forward(self, x):
        return torch.relu(x + super().forward(x))


def network(width=16):
    def conv(inputs=width, stride=1):
        return nn.Conv2d(inputs, width, 3, stride, padding=1, bias=False), nn.BatchNorm2d(width)

    blocks = Residual(*conv(), nn.ReLU(), *conv()), Residual(*conv(), nn.ReLU(), *conv())
    return nn.Sequential(*conv(1, 2), nn.ReLU(), *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 10))


if __name__ == "__main__":
    torch.manual_seed(0)
    steps = int(sys.argv[2]) if len(sys.argv) > 2 else 400
    train, test = (load_split(sys.argv[1], split) for split in ("train", "test"))
    target = uhn.adapt(network())
    generator = uhn.UHN.for_targets(target)
    uhn.fit(generator, target, nn.functional.cross_entropy, draw_batches(*train), steps=steps, lr=3e-3)
    print(f"UHN: {accuracy(target.materialise(generator(target)).eval(), *test):.4f}")
    model = network()
    train_directly(model, nn.functional.cross_entropy, draw_batches(*train), steps=steps, lr=3e-3)
    print(f"direct training: {accuracy(model.eval(), *test):.4f}")
