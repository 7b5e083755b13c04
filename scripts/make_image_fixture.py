#!/usr/bin/env python3
"""tests/fixtures/image_networks.json: what torchvision's resnet18 and a plain PyTorch SmallCNN give for weights and images
that both sides make by the same formula, so that no weights need to be stored.

    python3 -m venv peers && peers/bin/pip install torch==2.11.0 torchvision==0.26.0 pillow
    peers/bin/python scripts/make_image_fixture.py > tests/fixtures/image_networks.json
"""
import json
import math

import torch
import torchvision
from torch import nn


def uniform(n, salt):
    """[-1, 1): Knuth's multiplicative hash of the place."""
    places = torch.arange(n, dtype=torch.int64)
    words = (places * 2654435761 + salt * 40503 + 12345) % 2**32
    return words.double() / 2**31 - 1


def fill(module):
    """Every parameter and running value, numbered in the order of their names."""
    named = {k: v for k, v in module.state_dict().items() if "num_batches" not in k}
    for number, name in enumerate(sorted(named)):
        value = named[name]
        u = uniform(value.numel(), number).view(value.shape)
        if value.dim() > 1:
            fan = value.shape[0] * value[0][0].numel() if value.dim() == 4 else value.shape[1]
            u = u * math.sqrt(3.0 / fan)
        elif name.endswith(("running_var", ".weight")):
            u = 1 + 0.3 * u
        else:
            u = 0.1 * u
        value.copy_(u)
    return module


class SmallCNN(nn.Module):
    def __init__(self, classes):
        super().__init__()
        widths = [1, 32, 64, 128]
        for i in range(3):
            self.add_module(f"block{i + 1}", nn.ModuleDict({
                "conv": nn.Conv2d(widths[i], widths[i + 1], 3, padding=1, bias=False), "norm": nn.BatchNorm2d(widths[i + 1])}))
        self.head = nn.Linear(128, classes)

    def forward(self, x):
        for i, block in enumerate((self.block1, self.block2, self.block3)):
            x = torch.relu(block["norm"](block["conv"](x)))
            if i < 2:
                x = torch.max_pool2d(x, 2)
        return self.head(x.mean((2, 3)))


def resnet18(classes):
    net = torchvision.models.resnet18(num_classes=classes)
    net.conv1 = nn.Conv2d(1, 64, 7, 2, 3, bias=False)
    return net


def case(make, n, height, width, classes=5):
    with torch.no_grad():
        net = fill(make(classes).double())
    x = uniform(n * height * width, 999).view(n, 1, height, width)
    net.eval()
    evaluated = net(x)
    net.train()
    trained = net(x)
    target = torch.arange(n) % classes
    nn.functional.cross_entropy(trained, target).backward()
    state = net.state_dict()
    return {"rows": n, "height": height, "width": width, "classes": classes,
            "evaluated": evaluated.flatten().tolist(), "trained": trained.flatten().tolist(),
            "gradient_norms": {k: v.grad.norm().item() for k, v in net.named_parameters()},
            "running_sums": {k: v.sum().item() for k, v in state.items() if "running" in k}}


torch.manual_seed(0)
print(json.dumps({"torch": torch.__version__, "torchvision": torchvision.__version__,
                  "resnet18": case(resnet18, 3, 40, 33), "small_cnn": case(SmallCNN, 4, 24, 19)}, indent=1))
