"""A small tokenizer of byte-level BPE with GPT-2's pattern, written as files, and a naive reading
of it for ASCII text."""
import json
import os
import re

END = "<|endoftext|>"
MERGES = [
    "t h", "th e", "Ġ the", "i n", "a n", "e r", "Ġ a", "Ġ t", "o n", "Ġt o", "in g", "e n", "o r",
    "Ġ i", "l l", "Ċ Ċ"
]
PATTERN = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?[A-Za-z]+| ?[0-9]+| ?[^\sA-Za-z0-9]+|"
                     r"\s+(?!\S)|\s+")


def is_plain(byte):
    return 33 <= byte <= 126 or 161 <= byte <= 172 or byte >= 174


OTHERS = [byte for byte in range(256) if not is_plain(byte)]


def letter(byte):
    """The character that stands for a byte in vocabularies."""
    return chr(byte if is_plain(byte) else 256 + OTHERS.index(byte))


class Tokenizer:
    def __init__(self, merges=MERGES, end=END, first=256):
        """first: id of the first merge; the bytes are 0 to 255, the end follows the merges."""
        self.merges, self.end = [tuple(m.split(" ")) for m in merges], end
        self.vocab = {letter(b): b for b in range(256)}
        for i, (left, right) in enumerate(self.merges):
            self.vocab[left + right] = first + i
        self.end_id = len(self.vocab) if end else None
        self.size = max(list(self.vocab.values()) + ([self.end_id] if end else [])) + 1

    def bytes_of(self, i):
        """0 for the end, which is no text."""
        return {number: len(token) for token, number in self.vocab.items()}.get(i, 0)

    def words(self, word):
        parts = [letter(b) for b in word.encode()]
        ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        while len(parts) > 1:
            rank, i = min(
                (ranks.get((parts[i], parts[i + 1]), len(ranks)), i) for i in range(len(parts) - 1))
            if rank == len(ranks):
                break
            parts[i:i + 2] = [parts[i] + parts[i + 1]]
        return [self.vocab[part] for part in parts]

    def encode(self, text):
        """Ids of a document, its end with it."""
        found, known = [], {}
        for word in PATTERN.findall(text):
            if word not in known:
                known[word] = self.words(word)
            found += known[word]
        return found + ([self.end_id] if self.end else [])

    def json(self):
        added = [{
            "id": self.end_id, "content": self.end, "single_word": False, "lstrip": False,
            "rstrip": False, "normalized": False, "special": True
        }] if self.end else []
        return json.dumps({
            "version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
            "normalizer": None, "pre_tokenizer": {
                "type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True,
                "use_regex": True
            }, "post_processor": None, "decoder": {
                "type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True,
                "use_regex": True
            }, "model": {
                "type": "BPE", "dropout": None, "unk_token": None,
                "continuing_subword_prefix": None, "end_of_word_suffix": None, "fuse_unk": False,
                "byte_fallback": False, "ignore_merges": False, "vocab": self.vocab,
                "merges": [" ".join(m) for m in self.merges]
            }
        })

    def write(self, folder):
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "tokenizer.json"), "w") as f:
            f.write(self.json())
