"""Run by the Python that has `tokenizers`: encodes documents with it on one thread.

usage: tokenizer_reference.py TOKENIZER DOCUMENTS IDS ordinary|specials [TIMES]

TOKENIZER is a folder with tokenizer.json or encoder.json and vocab.bpe, the files are in the format
of encode_file --documents. Prints a JSON object: CPU seconds of each time, and the number of bytes
of each token."""
import json
import os
import struct
import sys
import time

os.environ.setdefault("RAYON_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers  # noqa: E402


def load(folder):
    path = os.path.join(folder, "tokenizer.json")
    if os.path.exists(path):
        return Tokenizer.from_file(path)
    tokenizer = Tokenizer(
        models.BPE.from_file(os.path.join(folder, "encoder.json"),
                             os.path.join(folder, "vocab.bpe")))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.add_special_tokens([AddedToken("<|endoftext|>", special=True, normalized=False)])
    return tokenizer


def read_documents(path):
    with open(path, "rb") as f:
        data = f.read()
    found, at = [], 0
    while at < len(data):
        (size, ) = struct.unpack_from("<I", data, at)
        found.append(data[at + 4:at + 4 + size].decode("utf-8", "replace"))
        at += 4 + size
    return found


def main():
    folder, documents, out, specials = sys.argv[1:5]
    tokenizer = load(folder)
    tokenizer.encode_special_tokens = specials == "ordinary"
    texts = read_documents(documents)
    seconds = []
    for _ in range(int(sys.argv[5]) if len(sys.argv) > 5 else 1):
        began = time.process_time()
        encoded = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
        seconds.append(time.process_time() - began)
    with open(out, "wb") as f:
        for ids in encoded:
            f.write(struct.pack("<%dI" % (1 + len(ids)), len(ids), *ids))
    added = {i: token.content for i, token in tokenizer.get_added_tokens_decoder().items()}
    sizes = [0] * (1 + max(tokenizer.get_vocab(with_added_tokens=True).values()))
    for token, i in tokenizer.get_vocab(with_added_tokens=True).items():
        sizes[i] = len(added[i].encode()) if i in added else len(token)  # a letter a byte
    print(json.dumps({"seconds": seconds, "sizes": sizes}))


if __name__ == "__main__":
    main()
