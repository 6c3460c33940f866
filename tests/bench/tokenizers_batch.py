"""The rival's part of tokenizers.py, run by the Python that has `tokenizers`: encodes all documents
with encode_batch_fast, which is the fastest that it has, on RAYON_NUM_THREADS threads.

usage: tokenizers_batch.py TOKENIZER DOCUMENTS

The arguments are those of tests/e2e/tokenizer_reference.py. Prints a JSON object: seconds of the
encoding alone, and the number of ids."""
import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))
import tokenizer_reference as reference  # noqa: E402


def main():
    tokenizer = reference.load(sys.argv[1])
    tokenizer.encode_special_tokens = True
    documents = reference.read_documents(sys.argv[2])
    began = time.monotonic()
    encoded = tokenizer.encode_batch_fast(documents, add_special_tokens=False)
    seconds = time.monotonic() - began
    print(json.dumps({"seconds": seconds, "ids": sum(len(e.ids) for e in encoded)}))


if __name__ == "__main__":
    main()
