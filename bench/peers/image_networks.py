#!/usr/bin/env python3
"""SmallCNN and torchvision's resnet18 in PyTorch, on one thread: CPU seconds a clip of training and of evaluation.

  bench/peers/image_networks.py small_cnn|resnet18 HEIGHT WIDTH [--compile] [--cuda [--tf32]] [--steps 12] [--batch 16] [--rows 32]

The work of bench/images.cpp: images and labels in memory, rows of the batch picked by index; a step is forward, class-weighted cross entropy,
backward and AdamW (fused and plain are both tried, the faster is taken), dropout .3; evaluation is the network in eval mode on
`rows` images and its loss. Eager: contiguous images, plain modules. --compile: channels_last and torch.compile (inductor, which
needs a C++ compiler), of the network and its loss. --cuda: wall seconds on a
GPU, a batch copied there every step as a DataLoader's would be; float32 as it is, or TF32 with --tf32. Prints one JSON line.
"""
import argparse
import json
import time

import torch
from torch import nn

CLASSES = 8


class SmallCNN(nn.Module):
    def __init__(self):
        super().__init__()
        layers, before = [], 1
        for channels in (32, 64, 128):
            layers += [nn.Conv2d(before, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]
            layers += [nn.MaxPool2d(2)] if channels < 128 else []
            before = channels
        self.features, self.dropout, self.head = nn.Sequential(*layers), nn.Dropout(0.3), nn.Linear(before, CLASSES)

    def forward(self, x):
        return self.head(self.dropout(self.features(x).mean((2, 3))))


def resnet18():
    import torchvision
    net = torchvision.models.resnet18(num_classes=CLASSES)
    net.conv1 = nn.Conv2d(1, 64, 7, 2, 3, bias=False)
    net.fc = nn.Sequential(nn.Dropout(0.3), net.fc)
    return net


def seconds(work, steps, cuda):
    clock = time.perf_counter if cuda else time.process_time
    if cuda:
        torch.cuda.synchronize()
    start = clock()
    for i in range(steps):
        work(i)
    if cuda:
        torch.cuda.synchronize()
    return (clock() - start) / steps


class Measured:
    def __init__(self, arguments, fused):
        torch.manual_seed(1)
        self.device = "cuda" if arguments.cuda else "cpu"
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = arguments.tf32
        self.format = torch.channels_last if arguments.compile else torch.contiguous_format
        net = SmallCNN() if arguments.model == "small_cnn" else resnet18()
        self.net = net.to(self.device, memory_format=self.format)
        self.loss = nn.CrossEntropyLoss(weight=torch.linspace(0.5, 1.5, CLASSES)).to(self.device)
        self.images = torch.randn(256, 1, arguments.height, arguments.width)
        self.labels = torch.arange(256) % CLASSES
        self.optimizer = torch.optim.AdamW(self.net.parameters(), lr=1e-3, weight_decay=0.01, fused=fused)
        self.objective = lambda x, y: self.loss(self.net(x), y)
        if arguments.compile:
            self.objective = torch.compile(self.objective)
        self.order = torch.randperm(256)

    def picked(self, i, size):
        rows = self.order[torch.arange(i * size, (i + 1) * size) % 256]
        images = self.images[rows].contiguous(memory_format=self.format)
        return images.to(self.device, non_blocking=True), self.labels[rows].to(self.device, non_blocking=True)

    def step(self, i, size):
        x, y = self.picked(i, size)
        self.optimizer.zero_grad()
        self.objective(x, y).backward()
        self.optimizer.step()

    def evaluate(self, i, size):
        with torch.no_grad():
            return self.objective(*self.picked(i, size)).item()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("height", type=int)
    parser.add_argument("width", type=int)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--cuda", action="store_true")
    parser.add_argument("--tf32", action="store_true")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rows", type=int, default=32)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    train = {}
    for fused in (True, False):
        measured = Measured(arguments, fused)
        measured.net.train()
        step = lambda i: measured.step(i, arguments.batch)
        seconds(step, 20 if arguments.cuda else 3, arguments.cuda)
        train[fused] = seconds(step, arguments.steps, arguments.cuda)
    measured.net.eval()
    evaluate = lambda i: measured.evaluate(i, arguments.rows)
    seconds(evaluate, 2, arguments.cuda)
    evaluation = seconds(evaluate, max(2, arguments.steps // 3), arguments.cuda)
    print(json.dumps({"train_ms": 1000 * min(train.values()) / arguments.batch, "adamw": "fused" if train[True] < train[False] else "plain",
                      "evaluate_ms": 1000 * evaluation / arguments.rows}))


if __name__ == "__main__":
    main()
