#!/usr/bin/env python3
"""Writes tests/fixtures/text_training.json: logits, loss and every gradient of tiny BERT and DistilBERT encoders with a linear head over
their mean token, from transformers' own modules in float64, dropout off, texts padded to one length and masked.

Run with the Python of bench/peers/setup (transformers 5.23.0, torch 2.11.0): python3 scripts/make_text_training_fixture.py
"""
import json
import pathlib

import torch
from transformers import BertConfig, BertModel, DistilBertConfig, DistilBertModel

TEXTS = [[2, 7, 9, 3], [2, 11, 7, 7, 20, 3], [2, 3], [2, 5, 6, 8, 21, 22, 9, 3]]
LABELS = [0, 2, 1, 2]


def encoder(family):
    if family == "bert":
        return BertModel(BertConfig(vocab_size=24, hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=12,
                                    max_position_embeddings=10, type_vocab_size=2, attn_implementation="eager"), add_pooling_layer=False)
    return DistilBertModel(DistilBertConfig(vocab_size=24, dim=8, n_layers=2, n_heads=2, hidden_dim=12, max_position_embeddings=10,
                                            attn_implementation="eager"))


def case(family):
    torch.manual_seed(11)
    model = encoder(family).double().eval()
    head = torch.nn.Linear(8, 3).double()
    for p in [*model.parameters(), *head.parameters()]:
        p.data = torch.randn_like(p) * .3 + (1 if p.dim() == 1 and p.mean() > .9 else 0)
    longest = max(map(len, TEXTS))
    ids = torch.tensor([t + [0] * (longest - len(t)) for t in TEXTS])
    mask = torch.tensor([[1] * len(t) + [0] * (longest - len(t)) for t in TEXTS])
    state = model(input_ids=ids, attention_mask=mask).last_hidden_state
    mean = (state * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
    logits = head(mean)
    loss = torch.nn.functional.cross_entropy(logits, torch.tensor(LABELS), reduction="sum")
    loss.backward()
    named = [*model.named_parameters(), *((f"head.{n}", p) for n, p in head.named_parameters())]
    return {"family": family, "logits": logits.tolist(), "loss": loss.item(),
            "parameters": {n: p.tolist() for n, p in named},
            "gradients": {n: (torch.zeros_like(p) if p.grad is None else p.grad).tolist() for n, p in named}}


root = pathlib.Path(__file__).resolve().parent.parent
out = {"about": "See scripts/make_text_training_fixture.py", "texts": TEXTS, "labels": LABELS, "cases": [case("bert"), case("distilbert")]}
rounded = json.loads(json.dumps(out), parse_float=lambda x: float(f"{float(x):.15g}"))
(root / "tests/fixtures/text_training.json").write_text(json.dumps(rounded, separators=(",", ":")) + "\n")
