#!/usr/bin/env python3
"""models.py COPY_MODEL [--folders N] [--seed S]: Hugging Face directories of both families, each
with one to three mutations, read by the program (copy_model.c) and by an independent reader.

Fails if the program crashes, hangs, or reads other numbers than the independent reader, or where
that one refuses. Prints how many there were of each outcome."""
import argparse
import collections
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile

import hugging_face
from hugging_face import Refused, names, read_model, write_tensors

CODES = {"0", "2", "3"}


def random_numbers(rng, dtype, count):
    values = [rng.gauss(0, 1) for _ in range(count)]
    if dtype == "BF16":
        return b"".join(struct.pack("<f", v)[2:] for v in values)
    return struct.pack("<%d%s" % (count, {"F64": "d", "F32": "f", "F16": "e"}[dtype]), *values)


def config_of(shape):
    table = hugging_face.LLAMA if shape["arch"] == "llama" else hugging_face.GPT2
    config = {theirs: shape[ours] for ours, (theirs, _) in table.items()}
    config["model_type"] = shape["arch"]
    if shape["arch"] == "llama":
        config["rope_theta"] = shape["theta"]
    return config


def write_json(path, value):
    with open(path, "w") as f:
        json.dump(value, f)


def write_index(folder, places):
    write_json(os.path.join(folder, "model.safetensors.index.json"), {"weight_map": places})


def make(rng, folder):
    """A sound directory."""
    os.makedirs(folder)
    arch = rng.choice(["gpt2", "llama"])
    shape = {
        "arch": arch, "layers": rng.choice([1, 2]), "heads": 2, "width": 8,
        "ffn": rng.choice([16, 32]), "context": 8, "vocab": rng.choice([11, 16]), "eps": 1e-5,
        "tied": rng.random() < 0.5
    }
    if arch == "llama":
        shape.update(kv_heads=rng.choice([1, 2]), theta=10000.0)
    tensors = {}
    for name, size in names(shape).items():
        dtype = rng.choice(["F32", "F32", "F16", "BF16", "F64"])
        count = size[0] * (size[1] if len(size) > 1 else 1)
        tensors[name] = (dtype, size, random_numbers(rng, dtype, count))
    first = next(iter(tensors))
    if not shape["tied"]:
        tensors["lm_head.weight"] = ("F32", tensors[first][1],
                                     random_numbers(rng, "F32", shape["vocab"] * shape["width"]))
    elif rng.random() < 0.3:
        tensors["lm_head.weight"] = tensors[first]
    write_json(os.path.join(folder, "config.json"), config_of(shape))
    n = rng.choice([1, 1, 2, 3])
    if n == 1:
        write_tensors(os.path.join(folder, "model.safetensors"), tensors)
        return
    places = {}
    for i in range(n):
        file = "model-%05d-of-%05d.safetensors" % (i + 1, n)
        part = dict(list(tensors.items())[i::n])
        write_tensors(os.path.join(folder, file), part)
        places.update({name: file for name in part})
    write_index(folder, places)


# Mutations: each takes (rng, folder) and changes the folder.


def files(folder, end=""):
    return sorted(f for f in os.listdir(folder) if f.endswith(end))


def pick(rng, folder, end=""):
    found = files(folder, end)
    return os.path.join(folder, rng.choice(found)) if found else None


def change_bytes(change, end=""):
    def mutation(rng, folder):
        path = pick(rng, folder, end)
        if path:
            with open(path, "rb") as f:
                data = bytearray(f.read())
            data = change(rng, data)
            with open(path, "wb") as f:
                f.write(data)

    return mutation


def flip(rng, data):
    if data:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return data


def flip_early(rng, data):
    if data:
        data[rng.randrange(min(len(data), 400))] ^= 1 << rng.randrange(8)
    return data


def cut(rng, data):
    return data[:rng.randrange(len(data) + 1)]


def grow(rng, data):
    return data + bytes(rng.randrange(256) for _ in range(rng.choice([1, 4, 100])))


def overwrite(rng, data):
    if data:
        at = rng.randrange(len(data))
        n = min(len(data) - at, rng.choice([1, 8, 64]))
        data[at:at + n] = bytes(rng.randrange(256) for _ in range(n))
    return data


def lfs(rng, data):
    return b"version https://git-lfs.github.com/spec/v1\noid sha256:%064x\nsize %d\n" % (
        rng.getrandbits(256), len(data))


def not_finite(rng, data):
    if len(data) > 16:
        at = rng.randrange(8, len(data) - 8) & ~3
        data[at:at + 4] = rng.choice([b"\0\0\xc0\x7f", b"\0\0\x80\x7f", b"\0\0\x80\xff"])
    return data


def remove(rng, folder):
    path = pick(rng, folder)
    if path:
        os.remove(path)


def rename(rng, folder):
    path = pick(rng, folder)
    if path:
        os.rename(
            path,
            os.path.join(
                folder,
                rng.choice([
                    "model.safetensors", "consolidated.safetensors",
                    "model-00001-of-00002.safetensors", "model.safetensors.index.json",
                    "pytorch_model.bin", "x"
                ])))


def stray(rng, folder):
    """Weights that do not belong there."""
    path = pick(rng, folder, ".safetensors")
    if path:
        other = os.path.join(
            folder,
            rng.choice([
                "consolidated.safetensors", "ema.safetensors", "model-00001-of-00004.safetensors",
                "model_merged.safetensors", "model.safetensors", "adapter_model.safetensors"
            ]))
        try:
            tensors = hugging_face.read_tensors(path)
        except Refused:
            return
        write_tensors(
            other, {
                name:
                (dtype, shape, random_numbers(rng, dtype,
                                              len(numbers) // hugging_face.SIZES[dtype]))
                for name, (dtype, shape, numbers) in tensors.items()
            })


def swap(rng, folder):
    a, b = pick(rng, folder), pick(rng, folder)
    if a and a != b:
        os.rename(a, a + ".swap")
        os.rename(b, a)
        os.rename(a + ".swap", b)


def change_tensors(change):
    def mutation(rng, folder):
        path = pick(rng, folder, ".safetensors")
        if not path:
            return
        try:
            tensors = hugging_face.read_tensors(path)
        except Refused:
            return
        if tensors:
            change(rng, tensors, rng.choice(sorted(tensors)))
            write_tensors(path, tensors)

    return mutation


def drop_tensor(rng, tensors, name):
    del tensors[name]


def rename_tensor(rng, tensors, name):
    other = rng.choice([
        name.replace("model.", "", 1).replace("transformer.", "", 1), name + "_old",
        name.replace(".0.", ".1."),
        name.replace("weight", "bias"), "lm_head.weight",
        name.upper()
    ])
    tensors[other] = tensors.pop(name)


def add_tensor(rng, tensors, name):
    other = rng.choice([
        "model.layers.7.mlp.up_proj.weight", "transformer.h.0.attn.bias",
        "transformer.h.0.attn.masked_bias", "lm_head.weight", "extra",
        "model.layers.0.self_attn.q_proj.bias", "model.layers.0.self_attn.q_norm.weight",
        "model.layers.0.self_attn.rotary_emb.inv_freq"
    ])
    tensors[other] = tensors[name] if rng.random() < 0.5 else ("F32", [4], b"\0" * 16)


def retype(rng, tensors, name):
    dtype, shape, numbers = tensors[name]
    tensors[name] = (rng.choice(["F16", "BF16", "F32", "F64", "I32", "U8",
                                 "F8_E4M3"]), shape, numbers)


def reshape(rng, tensors, name):
    dtype, shape, numbers = tensors[name]
    tensors[name] = (dtype,
                     rng.choice(
                         [shape[::-1], shape + [1], [1] + shape, shape[:1],
                          [s * 2 for s in shape]]), numbers)


def recode(rng, tensors, name):
    dtype, shape, numbers = tensors[name]
    other = rng.choice(["F16", "BF16", "F32", "F64"])
    count = len(numbers) // hugging_face.SIZES[dtype]
    tensors[name] = (other, shape, random_numbers(rng, other, count))


def change_config(rng, folder):
    path = os.path.join(folder, "config.json")
    try:
        with open(path) as f:
            config = json.load(f)
    except (OSError, ValueError):
        return
    if not isinstance(config, dict) or not config:
        return
    key = rng.choice(sorted(config))
    rng.choice([
        lambda: config.pop(key),
        lambda: config.update({key: None}),
        lambda: config.update(
            {key: rng.choice([0, -1, 1, 2, 3, 16, 2**31, 2**40, 1.5, "x", [], {}, True, False])}),
        lambda: config.update({
            "rope_scaling": rng.choice([
                None, {"type": "default"}, {"type": "linear", "factor": 2.0},
                {"rope_type": "llama3", "factor": 8.0}, "linear"
            ])
        }),
        lambda: config.update({
            "rope_parameters": rng.choice([{"rope_theta": 10000.0, "rope_type": "default"}, {
                "rope_theta": 500000.0, "rope_type": "yarn"
            }, {"rope_type": "default"}])
        }),
        lambda: config.update({"tie_word_embeddings": not config.get("tie_word_embeddings")}),
        lambda: config.update({rng.choice(["attention_bias", "mlp_bias"]): True}),
        lambda: config.update({"head_dim": rng.choice([4, 8, None])}),
        lambda: config.update({"hidden_act": rng.choice(["swish", "gelu", "relu"])}),
        lambda: config.update({
            "activation_function": rng.choice(["gelu_fast", "gelu", "relu", "gelu_pytorch_tanh"])
        }),
    ])()
    write_json(path, config)


def change_index(rng, folder):
    path = os.path.join(folder, "model.safetensors.index.json")
    try:
        with open(path) as f:
            places = json.load(f)["weight_map"]
    except (OSError, ValueError, KeyError, TypeError):
        return
    if not isinstance(places, dict) or not places:
        return
    name = rng.choice(sorted(places))
    rng.choice([
        lambda: places.pop(name),
        lambda: places.update({name: rng.choice(sorted(set(map(str, places.values()))))}),
        lambda: places.update(
            {name: rng.choice(["absent.safetensors", "../x", "", 3, "config.json"])}),
        lambda: places.update({"extra": places[name]}),
    ])()
    write_index(folder, places)


MUTATIONS = {
    "flip a bit": change_bytes(flip),
    "flip a bit of a header": change_bytes(flip_early, ".safetensors"),
    "flip a bit of a JSON file": change_bytes(flip, ".json"),
    "cut a file": change_bytes(cut),
    "grow a file": change_bytes(grow),
    "overwrite bytes": change_bytes(overwrite),
    "LFS pointer": change_bytes(lfs),
    "not finite": change_bytes(not_finite, ".safetensors"),
    "remove a file": remove,
    "rename a file": rename,
    "stray weights": stray,
    "swap files": swap,
    "drop a tensor": change_tensors(drop_tensor),
    "rename a tensor": change_tensors(rename_tensor),
    "add a tensor": change_tensors(add_tensor),
    "retype a tensor": change_tensors(retype),
    "reshape a tensor": change_tensors(reshape),
    "recode a tensor": change_tensors(recode),
    "change config.json": change_config,
    "change the index": change_index,
}


class Copier:
    """copy_model as a process; one that dies is begun anew."""
    def __init__(self, program):
        self.program, self.process = program, None

    def copy(self, source, target):
        """Its answer, or what became of it."""
        if not self.process:
            self.process = subprocess.Popen([self.program],
                                            stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE,
                                            text=True)
        self.process.stdin.write("%s\t%s\n" % (source, target))
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            code = self.process.wait()
            self.process = None
            return "crashed (%d)" % code
        return answer.rstrip("\n")

    def end(self):
        if self.process:
            self.process.stdin.close()
            self.process.wait()


def read_or_why(folder):
    try:
        return read_model(folder), None
    except Refused as e:
        return None, str(e)


def judge(answer, source, target):
    """(outcome, sentence of a failure or None)."""
    expected, why = read_or_why(source)
    code, _, sentence = answer.partition(" ")
    if code not in CODES:
        return "crashed", answer
    if code != "0":
        if len(sentence) < 10:
            return "refused without a sentence", answer
        return ("refused by both" if expected is None else "refused, though readable"), None
    if expected is None:
        return "read, though refused by the reader", why
    found, why = read_or_why(target)
    if found is None:
        return "its copy cannot be read", why
    if found[0] != expected[0]:
        return "another shape", "%s, expected %s" % (found[0], expected[0])
    if found[1] != expected[1]:
        return "other numbers", ", ".join(n for n in expected[1] if expected[1][n] != found[1][n])
    return "read alike", None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--folders", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", default="", help="print folders of that outcome")
    options = parser.parse_args()
    copier = Copier(options.program)
    outcomes, failures = collections.Counter(), []
    with tempfile.TemporaryDirectory() as work:
        for i in range(options.folders):
            rng = random.Random(options.seed * 1000003 + i)
            source, target = os.path.join(work, "from"), os.path.join(work, "to")
            make(rng, source)
            done = []
            if i % 20:  # every twentieth stays sound
                for _ in range(rng.choice([1, 1, 1, 1, 2, 3])):
                    done.append(rng.choice(sorted(MUTATIONS)))
                    MUTATIONS[done[-1]](rng, source)
            answer = copier.copy(source, target)
            outcome, failure = judge(answer, source, target)
            if failure is None and not done and outcome != "read alike":
                failure = answer
            outcomes[outcome] += 1
            if failure or options.show and options.show in outcome:
                failures.append("folder %d (%s): %s: %s" %
                                (i, ", ".join(done) or "sound", outcome, failure or answer))
            shutil.rmtree(source)
            shutil.rmtree(target, ignore_errors=True)
    copier.end()
    for outcome, n in outcomes.most_common():
        print("%6d %s" % (n, outcome))
    print("\n".join(failures))
    sys.exit(1 if failures and not options.show else 0)


if __name__ == "__main__":
    main()
