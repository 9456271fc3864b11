"""One UHN for ten widths of one's own CNN, two of which it never saw: python examples/own_family.py FOLDER [STEPS]."""

import sys
from itertools import islice

import torch
from images import accuracy, draw_batches, load_split
from own_model import network
from torch.nn.functional import cross_entropy

import uhn

UNSEEN = (11, 14)

if __name__ == "__main__":
    torch.manual_seed(0)
    folder, steps = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 3000
    train, test = load_split(folder, "train"), load_split(folder, "test")
    targets = {width: uhn.adapt(network(width), name=f"width {width}") for width in range(8, 18)}
    seen = [target for width, target in targets.items() if width not in UNSEEN]
    generator = uhn.UHN.for_targets(targets.values())
    uhn.fit(generator, seen, cross_entropy, draw_batches(*train), steps=steps, lr=3e-3)
    for width, target in targets.items():
        weights = generator(target)
        # Every weight set gets running statistics of its own, also where the width was never trained.
        target.recalibrate(weights, (inputs for inputs, _ in islice(draw_batches(*train), 20)))
        correct = accuracy(target.materialise(weights).eval(), *test)
        print(f"{target.name}: {correct:.4f}{' (never seen)' * (width in UNSEEN)}")
