#!/usr/bin/env python3
"""models.py COPY_MODEL [--count N] [--seed S]: Hugging Face directories of both families, each
with one to three mutations, read by the program (copy_model.c) and by an independent reader.

Fails if the program crashes, hangs, or reads other numbers than the independent reader, or where
that one refuses. Prints how many there were of each outcome."""
import json
import os
import struct

import hugging_face
import runner
from hugging_face import Refused, names, read_model, write_tensors
from mutations import BYTES, change_bytes, flip, flip_early, pick


def random_numbers(rng, dtype, count):
    values = [rng.gauss(0, 1) for _ in range(count)]
    if dtype == "BF16":
        return b"".join(struct.pack("<f", v)[2:] for v in values)
    return struct.pack("<%d%s" % (count, {"F64": "d", "F32": "f", "F16": "e"}[dtype]), *values)


ROTARY = ("rope_type", "factor", "low_freq_factor", "high_freq_factor",
          "original_max_position_embeddings")


def write_rotary(rng, config, rope):
    """As writers of transformers 4, 5, or both have it."""
    settings = dict(zip(ROTARY, rope[1:]))
    style = rng.choice(["4", "5", "both"])
    if style != "5":
        config["rope_theta"] = rope[0]
        config["rope_scaling"] = None if rope[1] == "default" else dict(settings)
    if style == "both" and config["rope_scaling"] and rng.random() < 0.5:
        config["rope_scaling"]["type"] = rope[1]
    if style != "4":
        config["rope_parameters"] = {**settings, "rope_theta": rope[0]}


def config_of(rng, shape):
    table = hugging_face.LLAMA if shape["arch"] == "llama" else hugging_face.GPT2
    config = {theirs: shape[ours] for ours, (theirs, _) in table.items()}
    config["model_type"] = shape["arch"]
    if shape["arch"] == "llama":
        write_rotary(rng, config, shape["rope"])
        for key in ("attention_bias", "mlp_bias"):
            if shape[key] or rng.random() < 0.5:
                config[key] = shape[key]
        if shape["head"] * shape["heads"] != shape["width"] or rng.random() < 0.5:
            config["head_dim"] = shape["head"]
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
        "tied": rng.random() < 0.5, "head": 4
    }
    if arch == "llama":
        shape.update(kv_heads=rng.choice([1, 2]),
                     head=rng.choice([4, 4, 2, 6]),
                     attention_bias=rng.random() < 0.3,
                     mlp_bias=rng.random() < 0.3,
                     rope=(rng.choice([10000.0, 5e5]), *rng.choice([("default", ), ("linear", 2.5),
                                                                    ("llama3", 8.0, 1.0, 4.0, 4)])))
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
    write_json(os.path.join(folder, "config.json"), config_of(rng, shape))
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


# Mutations beside those of mutations.py.


def not_finite(rng, data):
    if len(data) > 16:
        at = rng.randrange(8, len(data) - 8) & ~3
        data[at:at + 4] = rng.choice([b"\0\0\xc0\x7f", b"\0\0\x80\x7f", b"\0\0\x80\xff"])
    return data


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
                name: (dtype, shape,
                       random_numbers(rng, dtype,
                                      len(numbers) // hugging_face.SIZES[dtype]))
                for name, (dtype, shape, numbers) in tensors.items()
            })


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


def read_object(folder, name):
    """A JSON object that is not empty, or None."""
    try:
        with open(os.path.join(folder, name)) as f:
            value = json.load(f)
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) and value else None


def change_config(rng, folder):
    config = read_object(folder, "config.json")
    if not config:
        return
    key = rng.choice(sorted(config))
    rng.choice([
        lambda: config.pop(key),
        lambda: config.update({key: None}),
        lambda: config.update(
            {key: rng.choice([0, -1, 1, 2, 3, 16, 2**31, 2**40, 1.5, "x", [], {}, True, False])}),
        lambda: config.update({"tie_word_embeddings": not config.get("tie_word_embeddings")}),
        lambda: config.update({rng.choice(["attention_bias", "mlp_bias"]): rng.random() < 0.7}),
        lambda: config.update({"head_dim": rng.choice([2, 4, 5, 8, None])}),
        lambda: config.update({"hidden_act": rng.choice(["swish", "gelu", "relu"])}),
        lambda: config.update({
            "activation_function": rng.choice(["gelu_fast", "gelu", "relu", "gelu_pytorch_tanh"])
        }),
    ])()
    write_json(os.path.join(folder, "config.json"), config)


def change_rotary(rng, folder):
    config = read_object(folder, "config.json")
    if not config:
        return
    place = rng.choice(["rope_scaling", "rope_parameters"])
    settings = config.get(place)
    settings = settings if isinstance(settings, dict) else {}
    settings = {**settings} if rng.random() < 0.7 else {}
    for _ in range(rng.choice([1, 1, 2])):
        key = rng.choice(ROTARY + ("rope_theta", "type", "partial_rotary_factor"))
        if key in ("rope_type", "type"):
            value = rng.choice(["default", "linear", "llama3", "yarn", "dynamic", None])
        else:
            value = rng.choice(
                [0, 1, 1.0, 2.5, 4, 8, 1e4, 5e5, -1, 1e300,
                 float("nan"), None, "8", True, {}])
        settings[key] = value
    config[place] = rng.choice([settings, settings, settings, {}, None, "linear"])
    if rng.random() < 0.2:
        config["original_max_position_embeddings"] = rng.choice([2, 4, 8])
    write_json(os.path.join(folder, "config.json"), config)


def change_index(rng, folder):
    places = (read_object(folder, "model.safetensors.index.json") or {}).get("weight_map")
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


class Models:
    """The fuzzer of runner.py."""
    NAME = "folder"
    MUTATIONS = {
        **BYTES,
        "flip a bit of a header": change_bytes(flip_early, ".safetensors"),
        "flip a bit of a JSON file": change_bytes(flip, ".json"),
        "not finite": change_bytes(not_finite, ".safetensors"),
        "rename a file": rename,
        "stray weights": stray,
        "drop a tensor": change_tensors(drop_tensor),
        "rename a tensor": change_tensors(rename_tensor),
        "add a tensor": change_tensors(add_tensor),
        "retype a tensor": change_tensors(retype),
        "reshape a tensor": change_tensors(reshape),
        "recode a tensor": change_tensors(recode),
        "change config.json": change_config,
        "change rotary settings": change_rotary,
        "change the index": change_index,
    }

    def make(self, rng, folder):
        make(rng, folder)
        return folder

    def readable(self, case):
        return True

    def line(self, case, target):
        return "%s\t%s" % (case, target)

    def read(self, case):
        return read_model(case)

    def compare(self, expected, target):
        try:
            shape, weights = read_model(target)
        except Refused as e:
            return "its copy cannot be read", str(e)
        if shape != expected[0]:
            return "another shape", "%s, expected %s" % (shape, expected[0])
        if weights != expected[1]:
            return "other numbers", ", ".join(n for n in weights if weights[n] != expected[1][n])
        return None

    def describe(self, case):
        return "model"


if __name__ == "__main__":
    runner.main(Models(), __doc__)
