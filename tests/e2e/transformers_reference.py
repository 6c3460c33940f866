"""Models that transformers makes, and what it computes with a folder. Run with a Python that has
transformers and torch.

    transformers_reference.py make FOLDER     one folder for each configuration; prints their names
    transformers_reference.py logits          lines of JSON on stdin, an answer to each on stdout

Each line of `logits` names a folder, a file of tokens (int32; samples of the largest count + 1), a
file to write, and counts: the answer is the mean loss of the samples, and the file gets the logits
after that many tokens of the first sample, rows of float32."""
import json
import os
import sys

import numpy as np
import torch
import transformers

VOCAB, CONTEXT = 97, 64

LLAMA = {
    "vocab_size": VOCAB, "max_position_embeddings": CONTEXT, "hidden_size": 48,
    "intermediate_size": 80, "num_hidden_layers": 2, "num_attention_heads": 4, "rms_norm_eps": 1e-5
}
GPT2 = {"vocab_size": VOCAB, "n_positions": CONTEXT, "n_embd": 48, "n_layer": 2, "n_head": 4}
LLAMA3 = {
    "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16
}

# name: (family, type of the numbers, largest shard, settings)
CONFIGURATIONS = {
    "gpt2": ("gpt2", "float32", None, {}),
    "gpt2-untied": ("gpt2", "float64", None, {"tie_word_embeddings": False}),
    "gpt2-inner-eps": ("gpt2", "bfloat16", None, {"n_inner": 72, "layer_norm_epsilon": 1e-3}),
    "gpt2-shards": ("gpt2", "float16", "40KB", {"activation_function": "gelu_pytorch_tanh"}),
    "llama": ("llama", "float32", None, {}),
    "llama-tied-grouped": ("llama", "float64", None,
                           {"tie_word_embeddings": True, "num_key_value_heads": 2}),
    "llama-one-key": ("llama", "bfloat16", None, {"num_key_value_heads": 1}),
    "llama-theta-eps": ("llama", "float16", None, {"rope_theta": 500000.0, "rms_norm_eps": 1e-3}),
    "llama-wide-heads": ("llama", "float32", None, {"head_dim": 20}),
    "llama-narrow-heads": ("llama", "float32", "40KB",
                           {"head_dim": 6, "num_key_value_heads": 2, "tie_word_embeddings": True}),
    "llama-attention-bias": ("llama", "float32", None,
                             {"attention_bias": True, "num_key_value_heads": 2}),
    "llama-mlp-bias": ("llama", "float64", "40KB", {"mlp_bias": True}),
    "llama-linear": ("llama", "float32", None,
                     {"rope_theta": 1e6, "rope_scaling": {"rope_type": "linear", "factor": 4.0}}),
    "llama-llama3": ("llama", "float32", None, {"rope_theta": 5e5, "rope_scaling": LLAMA3}),
    "llama-llama3-long": ("llama", "float16", None, {
        "max_position_embeddings": 1024, "head_dim": 32, "rope_theta": 5e5,
        "rope_scaling": dict(LLAMA3, factor=32.0, original_max_position_embeddings=256)
    }),
    "llama-everything": ("llama", "bfloat16", "40KB", {
        "head_dim": 24, "num_key_value_heads": 2, "attention_bias": True, "mlp_bias": True,
        "tie_word_embeddings": True, "rope_theta": 2e5, "rms_norm_eps": 1e-6,
        "rope_scaling": dict(LLAMA3, factor=3.5, low_freq_factor=0.5, high_freq_factor=2.0)
    }),
}


def make_model(family, settings):
    config = (transformers.GPT2Config(**{**GPT2, **settings})
              if family == "gpt2" else transformers.LlamaConfig(**{**LLAMA, **settings}))
    model = (transformers.GPT2LMHeadModel
             if family == "gpt2" else transformers.LlamaForCausalLM)(config)
    generator = torch.Generator().manual_seed(20240520)
    for name, weight in model.named_parameters():
        noise = torch.randn(weight.shape, generator=generator)
        is_norm = weight.dim() == 1 and name.endswith("weight")
        weight.data = 1 + 0.1 * noise if is_norm else 0.2 * noise
    return model


def make(root):
    for name, (family, dtype, shard, settings) in CONFIGURATIONS.items():
        model = make_model(family, settings).to(getattr(torch, dtype))
        model.save_pretrained(os.path.join(root, name),
                              **({"max_shard_size": shard} if shard else {}))
    print(json.dumps({"transformers": transformers.__version__, "names": list(CONFIGURATIONS)}))


def logits(folder, tokens, out, counts):
    dtype = "dtype" if int(transformers.__version__.split(".")[0]) >= 5 else "torch_dtype"
    model = transformers.AutoModelForCausalLM.from_pretrained(folder,
                                                              **{dtype: torch.float32},
                                                              attn_implementation="eager")
    model.eval()
    length = max(counts)
    samples = torch.from_numpy(np.fromfile(tokens, "<i4").astype(np.int64)).view(-1, length + 1)
    with torch.no_grad():
        found = model(samples[:, :-1]).logits
        loss = torch.nn.functional.cross_entropy(
            found.flatten(0, 1).double(), samples[:, 1:].flatten())
    found[0, [n - 1 for n in counts]].numpy().astype("<f4").tofile(out)
    return {"loss": float(loss)}


def main():
    torch.set_num_threads(1)
    if sys.argv[1] == "make":
        make(sys.argv[2])
        return
    for line in sys.stdin:
        print(json.dumps(logits(**json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
