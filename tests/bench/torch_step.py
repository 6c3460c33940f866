#!/usr/bin/env python3
"""The rival's training step: the same GPT-2 shape in PyTorch on CPU, alone or with DDP over gloo.

usage: torch_step.py [--processes N] [--steps S]    prints tokens a second over all processes: the
median step

OpenBLAS's kernels and one thread a process are set as Trireme sets them for itself."""
import argparse
import os
import statistics
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_CORETYPE", "SkylakeX")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch  # noqa: E402
import torch.nn as nn  # noqa: E402
import torch.nn.functional as F  # noqa: E402

LAYERS, HEADS, WIDTH, CONTEXT, VOCAB, BATCH = 6, 6, 384, 256, 256, 8


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)
        self.register_buffer("mask",
                             torch.full((CONTEXT, CONTEXT), float("-inf")).triu(1),
                             persistent=False)

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = (y.view(b, t, HEADS, c // HEADS).transpose(1, 2)
                   for y in self.qkv(self.norm1(x)).split(c, 2))
        scores = (q @ k.transpose(2, 3)) * (c // HEADS)**-0.5 + self.mask
        mixed = scores.softmax(3) @ v
        x = x + self.out(mixed.transpose(1, 2).reshape(b, t, c))
        return x + self.down(F.gelu(self.up(self.norm2(x)), approximate="tanh"))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.token, self.position = nn.Embedding(VOCAB, WIDTH), nn.Embedding(CONTEXT, WIDTH)
        self.blocks, self.norm = nn.Sequential(*(Block()
                                                 for _ in range(LAYERS))), nn.LayerNorm(WIDTH)

    def forward(self, x, y):
        h = self.norm(self.blocks(self.token(x) + self.position(torch.arange(x.shape[1]))))
        return F.cross_entropy((h @ self.token.weight.t()).view(-1, VOCAB), y.reshape(-1))


def train(rank, processes, steps, results):
    torch.set_num_threads(1)
    torch.manual_seed(1)
    model = Model()
    if processes > 1:
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT="29571")
        torch.distributed.init_process_group("gloo", rank=rank, world_size=processes)
        model = nn.parallel.DistributedDataParallel(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    tokens = torch.randint(VOCAB, (BATCH, CONTEXT + 1))
    seconds = []
    for step in range(steps + 2):
        began = time.monotonic()
        optimizer.zero_grad(set_to_none=True)
        model(tokens[:, :-1], tokens[:, 1:]).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step >= 2:
            seconds.append(time.monotonic() - began)
    if rank == 0:
        results.put(processes * BATCH * CONTEXT / statistics.median(seconds))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--steps", type=int, default=6)
    arguments = parser.parse_args()
    context = torch.multiprocessing.get_context("spawn")
    results = context.SimpleQueue()
    children = [
        context.Process(target=train, args=(r, arguments.processes, arguments.steps, results))
        for r in range(arguments.processes)
    ]
    for child in children:
        child.start()
    for child in children:
        child.join()
    if any(child.exitcode for child in children):
        raise SystemExit("a process of PyTorch's failed")
    print(f"{results.get():.0f}")
