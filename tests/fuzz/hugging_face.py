"""An independent reader and a writer of Hugging Face directories, with Python's standard library.

The reader follows transformers: `model.safetensors`, else the files of the index; it refuses what
a careful person would refuse. It knows nothing of how the program reads."""
import json
import math
import os
import struct

SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}


class Refused(Exception):
    """What this reader does not read."""


def need(condition, *what):
    if not condition:
        raise Refused(" ".join(map(str, what)))


# safetensors


def write_tensors(path, tensors):
    """tensors: name -> (dtype, shape, bytes)."""
    header, at = {}, 0
    for name, (dtype, shape, numbers) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + len(numbers)]}
        at += len(numbers)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(t[2] for t in tensors.values()))


def only_once(pairs):
    need(len({k for k, _ in pairs}) == len(pairs), "a key twice")
    return dict(pairs)


def whole(value):
    need(type(value) is int and 0 <= value < 2**63, "no size:", value)
    return value


def read_tensors(path):
    """The inverse; refuses what the format forbids (huggingface/safetensors, "Format")."""
    try:
        with open(path, "rb") as f:
            data = f.read()
    except OSError as e:
        raise Refused(e) from e
    need(len(data) >= 8, "short")
    n = struct.unpack("<Q", data[:8])[0]
    need(n <= 100000000 and 8 + n <= len(data), "header")
    text = data[8:8 + n]
    need(text[:1] == b"{", "header")
    try:
        header = json.loads(text.decode(), object_pairs_hook=only_once)
    except (UnicodeDecodeError, ValueError, RecursionError) as e:
        raise Refused(e) from e
    tensors, spans = {}, []
    for name, entry in header.items():
        need(isinstance(entry, dict), "entry")
        if name == "__metadata__":
            need(all(isinstance(v, str) for v in entry.values()), "metadata")
            continue
        need({"dtype", "shape", "data_offsets"} <= set(entry), "entry")
        need(isinstance(entry["shape"], list) and isinstance(entry["data_offsets"], list), "entry")
        shape, offsets = [list(map(whole, entry[k])) for k in ("shape", "data_offsets")]
        need(len(offsets) == 2, "offsets")
        need(entry["dtype"] in SIZES, "dtype", entry["dtype"])
        need(offsets[1] - offsets[0] == math.prod(shape) * SIZES[entry["dtype"]], "size of", name)
        spans.append(offsets)
        tensors[name] = (entry["dtype"], shape, data[8 + n + offsets[0]:8 + n + offsets[1]])
    end = 0
    for first, last in sorted(spans):
        need(first == end, "hole")
        end = last
    need(8 + n + end == len(data), "end of file")
    return tensors


def floats(dtype, numbers):
    """As bits of fp32; refuses what is not finite."""
    n = len(numbers) // SIZES[dtype]
    if dtype == "BF16":
        values = struct.unpack("<%df" % n,
                               b"".join(b"\0\0" + numbers[2 * i:2 * i + 2] for i in range(n)))
    else:
        values = struct.unpack("<%d%s" % (n, {"F64": "d", "F32": "f", "F16": "e"}[dtype]), numbers)
    need(all(map(math.isfinite, values)), "not finite")
    try:
        return struct.pack("<%df" % n, *values)
    except OverflowError as e:
        raise Refused(e) from e


# config.json

COMPUTED = {
    "activation_function": (None, "gelu_new", "gelu_pytorch_tanh", "gelu_fast", "gelu_accurate",
                            "gelu_python_tanh"),
    "hidden_act": (None, "silu", "swish"),
    "scale_attn_weights": (None, True),
    "scale_attn_by_inverse_layer_idx": (None, False),
    "add_cross_attention": (None, False),
    "partial_rotary_factor": (None, 1),
    "quantization_config": (None, ),
}
GPT2 = {
    "layers": ("n_layer", None), "heads": ("n_head", None), "width": ("n_embd", None),
    "ffn": ("n_inner", 0), "context": ("n_positions", None), "vocab": ("vocab_size", None),
    "eps": ("layer_norm_epsilon", 1e-5), "tied": ("tie_word_embeddings", True)
}
LLAMA = {
    "layers": ("num_hidden_layers", None), "heads": ("num_attention_heads", None),
    "kv_heads": ("num_key_value_heads", 0), "width": ("hidden_size", None),
    "ffn": ("intermediate_size", None), "context": ("max_position_embeddings", None),
    "vocab": ("vocab_size", None), "eps": ("rms_norm_eps", 1e-6),
    "tied": ("tie_word_embeddings", False)
}


def read_config(folder):
    """What a model computes, as a dictionary."""
    try:
        with open(os.path.join(folder, "config.json"), "rb") as f:
            config = json.loads(f.read().decode("utf-8-sig"), object_pairs_hook=only_once)
    except (OSError, UnicodeDecodeError, ValueError, RecursionError) as e:
        raise Refused(e) from e
    need(isinstance(config, dict), "config.json")
    kind = config.get("model_type")
    need(kind in ("gpt2", "llama"), "model_type", kind)
    for key, values in COMPUTED.items():
        need(any(config.get(key) is v or config.get(key) == v for v in values), key)
    shape = {"arch": kind}
    for ours, (theirs, fallback) in (LLAMA if kind == "llama" else GPT2).items():
        value = config.get(theirs)
        shape[ours] = fallback if value is None else value
        need(shape[ours] is not None, theirs, "is missing")
    for key in ("layers", "heads", "width", "context", "vocab"):
        need(type(shape[key]) in (int, float) and shape[key] >= 1 and shape[key] % 1 == 0, key)
        shape[key] = int(shape[key])
    if kind == "llama":
        read_llama(config, shape)
    need(type(shape["eps"]) in (int, float) and 0 < shape["eps"] < 1, "eps")
    need(type(shape["ffn"]) is int, "ffn")
    shape["ffn"] = shape["ffn"] or 4 * shape["width"]
    shape["head"] = read_head(config, shape)
    need(type(shape["tied"]) is bool, "tie_word_embeddings")
    return shape


def number(settings, key, least):
    """A finite number of at least that, and above 0."""
    value = settings.get(key)
    need(type(value) in (int, float) and math.isfinite(value), key, value)
    need(value >= least and value > 0, key, value)
    return value


def read_rotary(config, context):
    """(theta, type, its numbers), of what transformers 5 reads: rope_scaling, else rope_parameters,
    else rope_theta alone."""
    rotary = config.get("rope_scaling") or config.get("rope_parameters") or {}
    need(isinstance(rotary, dict), "rope")
    need(not any(isinstance(value, dict) for value in rotary.values()), "rope for a layer apart")
    need(rotary.get("partial_rotary_factor") in (None, 1), "partial_rotary_factor")
    kind = rotary.get("rope_type")
    if kind is None:
        need(rotary.get("type") in (None, "default"), "an old type")
        kind = "default"
    theta = rotary.get("rope_theta")
    if theta is None:
        theta = config.get("rope_theta")
    theta = number({"rope_theta": 10000.0 if theta is None else theta}, "rope_theta", 0)
    if kind == "default":
        return theta, kind
    need(kind in ("linear", "llama3"), "rope type", kind)
    factor = number(rotary, "factor", 1)
    if kind == "linear":
        return theta, kind, factor
    low, high = number(rotary, "low_freq_factor", 0), number(rotary, "high_freq_factor", 0)
    original = config.get("original_max_position_embeddings")
    original = number(rotary if original is None else config, "original_max_position_embeddings", 1)
    need(low < high and original % 1 == 0 and original < context, "llama3")
    return theta, kind, factor, low, high, original


def read_head(config, shape):
    """Numbers of a head."""
    head = config.get("head_dim")
    need(head is None or type(head) in (int, float) and head >= 0 and head % 1 == 0, "head_dim")
    if not head:
        need(shape["width"] % shape["heads"] == 0, "heads")
        head = shape["width"] // shape["heads"]
    need(shape["arch"] == "llama" or head * shape["heads"] == shape["width"], "head_dim of gpt2")
    need(shape["arch"] == "gpt2" or head % 2 == 0, "an odd head")
    return int(head)


def read_llama(config, shape):
    shape["rope"] = read_rotary(config, shape["context"])
    shape["kv_heads"] = shape["kv_heads"] or shape["heads"]
    need(type(shape["kv_heads"]) is int, "kv_heads")
    for key in ("attention_bias", "mlp_bias"):
        shape[key] = False if config.get(key) is None else config[key]
        need(type(shape[key]) is bool, key)


# The folder


def names(shape):
    """name -> shape of every tensor but the head."""
    w, f, v = shape["width"], shape["ffn"], shape["vocab"]
    table = {}
    if shape["arch"] == "gpt2":
        table["transformer.wte.weight"] = [v, w]
        table["transformer.wpe.weight"] = [shape["context"], w]
        for i in range(shape["layers"]):
            at = "transformer.h.%d." % i
            for norm in ("ln_1", "ln_2"):
                table[at + norm + ".weight"] = table[at + norm + ".bias"] = [w]
            for name, a, b in (("attn.c_attn", w, 3 * w), ("attn.c_proj", w, w), ("mlp.c_fc", w, f),
                               ("mlp.c_proj", f, w)):
                table[at + name + ".weight"], table[at + name + ".bias"] = [a, b], [b]
        table["transformer.ln_f.weight"] = table["transformer.ln_f.bias"] = [w]
        return table
    q, kv = shape["head"] * shape["heads"], shape["head"] * shape["kv_heads"]
    table["model.embed_tokens.weight"] = [v, w]
    for i in range(shape["layers"]):
        at = "model.layers.%d." % i
        for name, a, b in (("self_attn.q_proj", q, w), ("self_attn.k_proj", kv, w),
                           ("self_attn.v_proj", kv, w), ("self_attn.o_proj", w, q),
                           ("mlp.gate_proj", f, w), ("mlp.up_proj", f, w), ("mlp.down_proj", w, f)):
            table[at + name + ".weight"] = [a, b]
            if shape["mlp_bias" if name.startswith("mlp") else "attention_bias"]:
                table[at + name + ".bias"] = [a]
        for norm in ("input_layernorm", "post_attention_layernorm"):
            table[at + norm + ".weight"] = [w]
    table["model.norm.weight"] = [w]
    return table


BUFFERS = {"gpt2": (".attn.bias", ".attn.masked_bias"), "llama": (".rotary_emb.inv_freq", )}


def is_buffer(arch, name):
    return name.endswith(BUFFERS[arch])


def files_of(folder, arch):
    """The tensors of the files that transformers reads."""
    path = os.path.join(folder, "model.safetensors")
    if os.path.exists(path):
        return read_tensors(path)
    try:
        with open(os.path.join(folder, "model.safetensors.index.json"), "rb") as f:
            places = json.loads(f.read().decode(), object_pairs_hook=only_once)["weight_map"]
    except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError, RecursionError) as e:
        raise Refused(e) from e
    need(isinstance(places, dict) and all(isinstance(v, str) for v in places.values()), "index")
    found = {}
    for file in sorted(set(places.values())):
        need("/" not in file and file not in ("", ".", ".."), "index")
        for name, tensor in read_tensors(os.path.join(folder, file)).items():
            need(
                places.get(name) == file or name not in places and is_buffer(arch, name), name,
                "is not mapped there")
            found[name] = tensor
    need(set(places) <= set(found), "index and files")
    return found


def read_model(folder):
    """(shape, name -> bits of fp32). Raises Refused."""
    shape = read_config(folder)
    prefix = "transformer." if shape["arch"] == "gpt2" else "model."
    found = {}
    for name, tensor in files_of(folder, shape["arch"]).items():
        full = name if name.startswith(prefix) or name == "lm_head.weight" else prefix + name
        need(full not in found, full, "twice")
        if not is_buffer(shape["arch"], full):
            found[full] = tensor
    need(shape["layers"] <= len(found), "layers without tensors")
    table = names(shape)
    embedding = prefix + ("wte" if shape["arch"] == "gpt2" else "embed_tokens") + ".weight"
    table_head = dict(table, **{"lm_head.weight": table[embedding]})
    head = found.get("lm_head.weight")
    if shape["tied"]:
        if head and embedding not in found:
            found[embedding] = found.pop("lm_head.weight")
    else:
        table = table_head
    need(set(table) <= set(found) <= set(table_head), "tensors:", sorted(set(found) ^ set(table)))
    weights = {}
    for name, (dtype, size, numbers) in found.items():
        need(size == table_head[name], "shape of", name)
        weights[name] = floats(dtype, numbers)
    if shape["tied"]:
        need(weights.pop("lm_head.weight", weights[embedding]) == weights[embedding], "the head")
    return shape, weights
